//! Who reported a span, a record or a point: the resource and the instrumentation, as they were sent.

use api::{Attribute, AttributeValue, Reporter};
use leptos::prelude::*;

use super::attributes::AttributeSection;

/// Resource, entities and scope, each as its attributes.
#[component]
pub fn ReporterSection(reporter: Reporter) -> impl IntoView {
    let named = |key: &str, text: String| {
        (!text.is_empty()).then(|| Attribute { key: key.to_owned(), value: AttributeValue::Text(text) })
    };
    let mut resource = reporter.resource;
    resource.extend(named("schema_url", reporter.resource_schema_url));
    let mut scope: Vec<Attribute> = Vec::new();
    scope.extend(named("name", reporter.scope_name));
    scope.extend(named("version", reporter.scope_version));
    scope.extend(reporter.scope);
    scope.extend(named("schema_url", reporter.scope_schema_url));
    let entities = reporter.entities.into_iter().enumerate();
    let entities = entities
        .map(|(index, entity)| Attribute { key: index.to_string(), value: AttributeValue::Map(entity) })
        .collect();
    view! {
        <AttributeSection title="Resource" attributes=resource dropped=reporter.resource_dropped testid="resource-attributes" />
        <AttributeSection title="Entities" attributes=entities />
        <AttributeSection title="Scope" attributes=scope dropped=reporter.scope_dropped testid="scope-attributes" />
    }
}
