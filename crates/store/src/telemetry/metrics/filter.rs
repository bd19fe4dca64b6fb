//! Filters of metrics and points as conditions in SQL.

use api::{MetricQuery, PointFilter};
use sqlx::{QueryBuilder, Sqlite};

use super::NANOS;
use super::rows::kind_number;

pub(super) fn push_metric(sql: &mut QueryBuilder<Sqlite>, query: &MetricQuery) {
    sql.push(" AND name = ")
        .push_bind(query.name.clone())
        .push(" AND kind = ")
        .push_bind(kind_number(query.kind));
    push_service(sql, Some(query.service.as_deref().unwrap_or_default()));
}

/// What is empty stands for none.
pub(super) fn push_service(query: &mut QueryBuilder<Sqlite>, service: Option<&str>) {
    match service {
        Some("") => drop(query.push(" AND service IS NULL")),
        Some(service) => drop(query.push(" AND service = ").push_bind(service.to_owned())),
        None => {}
    }
}

pub(super) fn push_points_where(query: &mut QueryBuilder<Sqlite>, filter: &PointFilter) {
    query.push(" WHERE 1");
    if let Some(name) = &filter.name {
        query.push(" AND name = ").push_bind(name.clone());
    }
    if let Some(kind) = filter.kind {
        query.push(" AND kind = ").push_bind(kind_number(kind));
    }
    match filter.service.as_deref() {
        Some("") => {
            query.push(" AND series.origin IN (SELECT key FROM origin WHERE service IS NULL)");
        }
        Some(service) => {
            query.push(" AND series.origin IN (SELECT key FROM origin WHERE service = ");
            query.push_bind(service.to_owned()).push(")");
        }
        None => {}
    }
    for (condition, moment) in [(" AND time_ns >= ", filter.from_ms), (" AND time_ns < ", filter.to_ms)] {
        if let Some(moment) = moment {
            query.push(condition).push_bind(moment.saturating_mul(NANOS));
        }
    }
}
