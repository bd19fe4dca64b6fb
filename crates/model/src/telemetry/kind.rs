//! What a span is: a model's call, a tool, an agent. Owns the words by which dialects say so. Leaves out which of two
//! spans that say the same counts (`dialect`).

use std::borrow::Cow;

use api::SpanType;

use super::facts::Facts;
use super::keys::Key;
use super::told::unquoted;

/// Where dialects say what a span is, the most exact first.
const KINDS: [Key; 9] = [
    Key::OpenInferenceKind,
    // LangSmith calls the operation of a prompt's template a chat.
    Key::LangsmithKind,
    Key::GenAiOperation,
    Key::TraceloopKind,
    Key::LangfuseType,
    Key::MlflowType,
    Key::SpanType,
    Key::LlmRequestType,
    Key::McpMethod,
];

/// Facts that only a call of a model has.
const OF_CALLS: [Key; 9] = [
    Key::GenAiInputTokens,
    Key::GenAiPromptTokens,
    Key::GenAiOutputTokens,
    Key::LlmPromptTokens,
    Key::LlmUsageTotal,
    Key::GenAiRequestModel,
    Key::GenAiResponseModel,
    Key::LlmModelName,
    Key::LlmModel,
];

/// Databases that are asked for what is alike.
const VECTOR_STORES: [&str; 10] = [
    "pinecone",
    "chroma",
    "weaviate",
    "qdrant",
    "milvus",
    "pgvector",
    "lancedb",
    "marqo",
    "elasticsearch",
    "opensearch",
];

/// What a span is by its attributes; `None` when none of them tells.
pub(super) fn of(facts: &Facts<'_>) -> Option<SpanType> {
    let said = KINDS.iter().find_map(|name| by_word(unquoted(facts.text(*name)?)));
    said.or_else(|| facts.any(&OF_CALLS).then_some(SpanType::Llm))
        .or_else(|| is_vector_store(facts).then_some(SpanType::Retrieval))
        .or_else(|| facts.any(&[Key::GenAiToolName, Key::GenAiToolCallId]).then_some(SpanType::Tool))
        .or_else(|| facts.any(&[Key::GenAiSystem, Key::GenAiProvider]).then_some(SpanType::Llm))
}

/// Whether a database is asked for what is alike.
pub(super) fn is_vector_store(facts: &Facts<'_>) -> bool {
    let system = facts.first_text(&[Key::DbSystem, Key::DbSystemName]);
    facts.any(&[Key::DbTopK])
        || system.is_some_and(|system| {
            let system = system.to_ascii_lowercase();
            VECTOR_STORES.iter().any(|store| system.contains(store))
        })
}

/// What a word for a span means; `None` for words that say nothing.
pub(super) fn by_word(word: &str) -> Option<SpanType> {
    let word: Cow<'_, str> = if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
        word.to_ascii_lowercase().into()
    } else {
        word.into()
    };
    Some(match &*word {
        "llm" | "chat" | "text_completion" | "generate_content" | "generation" | "chat_model"
        | "completion" | "messages" | "responses" | "llm_request" | "llm_call" | "realtime" => SpanType::Llm,
        "embedding" | "embeddings" => SpanType::Embedding,
        "retriever" | "retrieval" | "reranker" | "rerank" | "search_memory" | "vector_db_retrieve" => {
            SpanType::Retrieval
        }
        "tool" | "execute_tool" | "tool_call" | "tools/call" => SpanType::Tool,
        "agent" | "invoke_agent" | "create_agent" | "agent_call" | "interaction" | "subagent" => {
            SpanType::Agent
        }
        "chain"
        | "workflow"
        | "task"
        | "invoke_workflow"
        | "agent_step"
        | "plan"
        | "execute_task"
        | "schedule_tool_calls" => SpanType::Chain,
        "" | "unknown" | "span" => return None,
        _ => SpanType::Custom,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_every_dialect_are_known() {
        for (word, expected) in [
            ("LLM", Some(SpanType::Llm)),
            ("CHAT_MODEL", Some(SpanType::Llm)),
            ("generation", Some(SpanType::Llm)),
            ("embeddings", Some(SpanType::Embedding)),
            ("RERANKER", Some(SpanType::Retrieval)),
            ("execute_tool", Some(SpanType::Tool)),
            ("invoke_agent", Some(SpanType::Agent)),
            ("workflow", Some(SpanType::Chain)),
            ("GUARDRAIL", Some(SpanType::Custom)),
            ("UNKNOWN", None),
        ] {
            assert_eq!(by_word(word), expected, "{word}");
        }
    }
}
