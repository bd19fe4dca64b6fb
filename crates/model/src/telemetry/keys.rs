//! The names of attributes that are read, whoever writes them, and finding one of them by its text.
//!
//! One table for all dialects: each attribute of a span is looked up once, and a dialect reads what stands in the
//! places it knows. Leaves out what they mean.

use std::sync::LazyLock;

/// The list is written once: as variants to index with and as texts to look up.
macro_rules! keys {
    ($($(#[$group:meta])* $name:ident = $text:literal,)+) => {
        /// An attribute that is read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Key { $($(#[$group])* $name,)+ }

        /// Every one of them with its text.
        pub(super) const KEYS: &[(Key, &str)] = &[$((Key::$name, $text),)+];
    };
}

keys! {
    // OpenTelemetry's GenAI conventions, all ages.
    GenAiProvider = "gen_ai.provider.name",
    GenAiSystem = "gen_ai.system",
    GenAiOperation = "gen_ai.operation.name",
    GenAiRequestModel = "gen_ai.request.model",
    GenAiResponseModel = "gen_ai.response.model",
    GenAiResponseId = "gen_ai.response.id",
    GenAiFinishReasons = "gen_ai.response.finish_reasons",
    GenAiResponseStatus = "gen_ai.response.status",
    GenAiRequestStream = "gen_ai.request.stream",
    GenAiIsStreaming = "gen_ai.is_streaming",
    GenAiTimeToFirstChunk = "gen_ai.response.time_to_first_chunk",
    GenAiTimeToFirstToken = "gen_ai.server.time_to_first_token",
    GenAiInputTokens = "gen_ai.usage.input_tokens",
    GenAiPromptTokens = "gen_ai.usage.prompt_tokens",
    GenAiOutputTokens = "gen_ai.usage.output_tokens",
    GenAiCompletionTokens = "gen_ai.usage.completion_tokens",
    GenAiTotalTokens = "gen_ai.usage.total_tokens",
    GenAiCacheRead = "gen_ai.usage.cache_read.input_tokens",
    GenAiCacheReadClassic = "gen_ai.usage.cache_read_input_tokens",
    GenAiCacheReadDetail = "gen_ai.usage.details.cache_read_tokens",
    GenAiCacheReadInputDetail = "gen_ai.usage.details.cache_read_input_tokens",
    GenAiCachedDetail = "gen_ai.usage.details.cached_tokens",
    GenAiCacheWrite = "gen_ai.usage.cache_write.input_tokens",
    GenAiCacheCreation = "gen_ai.usage.cache_creation.input_tokens",
    GenAiCacheCreationClassic = "gen_ai.usage.cache_creation_input_tokens",
    GenAiCacheWriteDetail = "gen_ai.usage.details.cache_write_tokens",
    GenAiCacheCreationDetail = "gen_ai.usage.details.cache_creation_input_tokens",
    GenAiReasoning = "gen_ai.usage.reasoning.output_tokens",
    GenAiReasoningClassic = "gen_ai.usage.reasoning_tokens",
    GenAiReasoningDetail = "gen_ai.usage.details.reasoning_tokens",
    GenAiInputTokenDetails = "gen_ai.usage.input_token_details",
    GenAiOutputTokenDetails = "gen_ai.usage.output_token_details",
    GenAiAggregatedInput = "gen_ai.aggregated_usage.input_tokens",
    GenAiAggregatedOutput = "gen_ai.aggregated_usage.output_tokens",
    GenAiCost = "gen_ai.usage.cost",
    GenAiCostTotal = "gen_ai.cost.total_cost",
    GenAiConversation = "gen_ai.conversation.id",
    GenAiAgentId = "gen_ai.agent.id",
    GenAiAgentName = "gen_ai.agent.name",
    GenAiAgentCall = "gen_ai.agent.call.id",
    GenAiToolName = "gen_ai.tool.name",
    GenAiToolCallId = "gen_ai.tool.call.id",
    GenAiToolCallIdGemini = "gen_ai.tool.call_id",
    GenAiToolArguments = "gen_ai.tool.call.arguments",
    GenAiToolResult = "gen_ai.tool.call.result",
    GenAiToolDefinitions = "gen_ai.tool.definitions",
    GenAiSystemInstructions = "gen_ai.system_instructions",
    GenAiInputMessages = "gen_ai.input.messages",
    GenAiOutputMessages = "gen_ai.output.messages",
    GenAiWorkflow = "gen_ai.workflow.name",
    GenAiDataSource = "gen_ai.data_source.id",
    GenAiRetrievalQuery = "gen_ai.retrieval.query.text",
    GenAiRetrievalDocuments = "gen_ai.retrieval.documents",
    GenAiPrompt = "gen_ai.prompt",
    GenAiCompletion = "gen_ai.completion",
    GenAiUser = "gen_ai.user",
    GenAiTokenType = "gen_ai.token.type",
    OpenAiResponseTier = "openai.response.service_tier",
    OpenAiRequestTier = "openai.request.service_tier",
    GenAiOpenAiResponseTier = "gen_ai.openai.response.service_tier",
    GenAiOpenAiRequestTier = "gen_ai.openai.request.service_tier",
    GenAiResponseTier = "gen_ai.response.service_tier",

    // OpenInference.
    OpenInferenceKind = "openinference.span.kind",
    LlmModelName = "llm.model_name",
    LlmRequestModelName = "llm.request.model_name",
    LlmResponseModelName = "llm.response.model_name",
    LlmProvider = "llm.provider",
    LlmSystem = "llm.system",
    LlmFinishReason = "llm.finish_reason",
    LlmInvocationParameters = "llm.invocation_parameters",
    LlmPromptTokens = "llm.token_count.prompt",
    LlmCompletionTokens = "llm.token_count.completion",
    LlmTotalTokens = "llm.token_count.total",
    LlmCacheRead = "llm.token_count.prompt_details.cache_read",
    LlmCacheInput = "llm.token_count.prompt_details.cache_input",
    LlmCacheWrite = "llm.token_count.prompt_details.cache_write",
    LlmReasoning = "llm.token_count.completion_details.reasoning",
    LlmCost = "llm.cost.total",
    InputValue = "input.value",
    InputMimeType = "input.mime_type",
    OutputValue = "output.value",
    OutputMimeType = "output.mime_type",
    ToolName = "tool.name",
    ToolId = "tool.id",
    ToolParameters = "tool.parameters",
    ToolCallIdOpencode = "tool.call_id",
    ToolCallIdOpenInference = "tool_call.id",
    EmbeddingModel = "embedding.model_name",
    RerankerModel = "reranker.model_name",
    RerankerQuery = "reranker.query",
    AgentName = "agent.name",
    Metadata = "metadata",

    // OpenLLMetry, classic names too.
    TraceloopKind = "traceloop.span.kind",
    TraceloopEntity = "traceloop.entity.name",
    TraceloopWorkflow = "traceloop.workflow.name",
    TraceloopInput = "traceloop.entity.input",
    TraceloopOutput = "traceloop.entity.output",
    TraceloopSession = "traceloop.association.properties.session_id",
    TraceloopThread = "traceloop.association.properties.thread_id",
    TraceloopChat = "traceloop.association.properties.chat_id",
    TraceloopConversation = "traceloop.association.properties.conversation_id",
    TraceloopUser = "traceloop.association.properties.user_id",
    LlmRequestType = "llm.request.type",
    LlmIsStreaming = "llm.is_streaming",
    LlmRequestModel = "llm.request.model",
    LlmResponseModel = "llm.response.model",
    LlmModel = "llm.model",
    LlmVendor = "llm.vendor",
    LlmUsagePrompt = "llm.usage.prompt_tokens",
    LlmUsageCompletion = "llm.usage.completion_tokens",
    LlmUsageTotal = "llm.usage.total_tokens",
    LlmUsageReasoning = "llm.usage.reasoning_tokens",
    LlmUsageCacheRead = "llm.usage.cache_read_input_tokens",
    LlmUsageCacheCreation = "llm.usage.cache_creation_input_tokens",
    GenAiCompletionFinish = "gen_ai.completion.0.finish_reason",
    LlmResponseFinish = "llm.response.finish_reason",
    LlmResponseStop = "llm.response.stop_reason",
    LlmUser = "llm.user",

    // Vercel's AI SDK.
    AiOperation = "ai.operationId",
    AiModel = "ai.model.id",
    AiModelProvider = "ai.model.provider",
    AiResponseModel = "ai.response.model",
    AiResponseId = "ai.response.id",
    AiFinishReason = "ai.response.finishReason",
    AiMsToFirstChunk = "ai.response.msToFirstChunk",
    AiPrompt = "ai.prompt",
    AiPromptMessages = "ai.prompt.messages",
    AiPromptTools = "ai.prompt.tools",
    AiResponseText = "ai.response.text",
    AiResponseObject = "ai.response.object",
    AiResponseToolCalls = "ai.response.toolCalls",
    AiResponseReasoning = "ai.response.reasoning",
    AiInputTokens = "ai.usage.inputTokens",
    AiPromptTokens = "ai.usage.promptTokens",
    AiOutputTokens = "ai.usage.outputTokens",
    AiCompletionTokens = "ai.usage.completionTokens",
    AiTotalTokens = "ai.usage.totalTokens",
    AiTokens = "ai.usage.tokens",
    AiNoCacheTokens = "ai.usage.inputTokenDetails.noCacheTokens",
    AiCacheReadTokens = "ai.usage.inputTokenDetails.cacheReadTokens",
    AiCachedInputTokens = "ai.usage.cachedInputTokens",
    AiCacheWriteTokens = "ai.usage.inputTokenDetails.cacheWriteTokens",
    AiReasoningDetail = "ai.usage.outputTokenDetails.reasoningTokens",
    AiReasoningTokens = "ai.usage.reasoningTokens",
    AiToolCallId = "ai.toolCall.id",
    AiToolCallName = "ai.toolCall.name",
    AiToolCallArgs = "ai.toolCall.args",
    AiToolCallResult = "ai.toolCall.result",
    AiFunction = "ai.telemetry.functionId",
    AiMetadataSession = "ai.telemetry.metadata.sessionId",
    AiMetadataThread = "ai.telemetry.metadata.threadId",
    AiMetadataUser = "ai.telemetry.metadata.userId",
    AiValue = "ai.value",
    AiValues = "ai.values",

    // LangSmith.
    LangsmithKind = "langsmith.span.kind",
    LangsmithProvider = "langsmith.metadata.ls_provider",
    LangsmithModel = "langsmith.metadata.ls_model_name",
    LangsmithThread = "langsmith.metadata.thread_id",
    LangsmithMetadataSession = "langsmith.metadata.session_id",
    LangsmithConversation = "langsmith.metadata.conversation_id",
    LangsmithUser = "langsmith.metadata.user_id",
    LangsmithSession = "langsmith.trace.session_id",
    LangsmithUsage = "langsmith.usage_metadata",
    LangsmithMetadataUsage = "langsmith.metadata.usage_metadata",
    LangsmithStreaming = "langsmith.request.streaming",

    // Langfuse.
    LangfuseType = "langfuse.observation.type",
    LangfuseModel = "langfuse.observation.model.name",
    LangfuseInput = "langfuse.observation.input",
    LangfuseOutput = "langfuse.observation.output",
    LangfuseUsage = "langfuse.observation.usage_details",
    LangfuseCost = "langfuse.observation.cost_details",
    LangfuseLevel = "langfuse.observation.level",
    LangfuseStatus = "langfuse.observation.status_message",
    LangfuseFirstToken = "langfuse.observation.completion_start_time",
    LangfuseSession = "langfuse.session.id",
    LangfuseUser = "langfuse.user.id",
    LangfuseTraceName = "langfuse.trace.name",

    // Logfire and Pydantic AI.
    LogfireSpanType = "logfire.span_type",
    LogfireMessage = "logfire.msg",
    LogfireRequest = "request_data",
    LogfireResponse = "response_data",
    LogfireCost = "operation.cost",
    PydanticMessages = "pydantic_ai.all_messages",
    PydanticEvents = "all_messages_events",
    PydanticFinal = "final_result",
    PydanticToolArguments = "tool_arguments",
    PydanticToolResponse = "tool_response",
    PydanticAgent = "agent_name",
    LogfireModel = "model_name",

    // MLflow: every value is JSON text.
    MlflowType = "mlflow.spanType",
    MlflowInputs = "mlflow.spanInputs",
    MlflowOutputs = "mlflow.spanOutputs",
    MlflowFunction = "mlflow.spanFunctionName",
    MlflowUsage = "mlflow.chat.tokenUsage",
    MlflowCost = "mlflow.llm.cost",
    MlflowModel = "mlflow.llm.model",
    MlflowProvider = "mlflow.llm.provider",
    MlflowTools = "mlflow.chat.tools",
    MlflowSession = "mlflow.trace.session",
    MlflowUser = "mlflow.trace.user",

    // LiteLLM.
    LitellmCallId = "litellm.call_id",
    LitellmCallType = "litellm.call_type",
    LitellmCacheHit = "litellm.cache_hit",
    LitellmStreaming = "litellm.request.streaming",
    LitellmInputCost = "litellm.cost.input_cost",
    LitellmOutputCost = "litellm.cost.output_cost",
    LitellmCacheReadCost = "litellm.cost.cache_read_cost",
    LitellmCacheCreationCost = "litellm.cost.cache_creation_cost",
    LitellmToolCost = "litellm.cost.tool_usage_cost",

    // MCP.
    McpMethod = "mcp.method.name",
    McpSession = "mcp.session.id",
    McpResource = "mcp.resource.uri",

    // Coding agents' own words; several share the plain ones.
    EventName = "event.name",
    LogEventName = "log.event.name",
    EventTimestamp = "event.timestamp",
    EventKind = "event.kind",
    SpanType = "span.type",
    Model = "model",
    FinalModel = "final_model",
    InputTokens = "input_tokens",
    OutputTokens = "output_tokens",
    CacheReadTokens = "cache_read_tokens",
    CacheCreationTokens = "cache_creation_tokens",
    CacheCreation5m = "cache_creation_5m_tokens",
    CacheCreation1h = "cache_creation_1h_tokens",
    CostUsd = "cost_usd",
    EstimatedUsd = "usage.estimated_usd",
    DurationMs = "duration_ms",
    Duration = "duration",
    TtftMs = "ttft_ms",
    RequestId = "request_id",
    ClientRequestId = "client_request_id",
    ResponseId = "response_id",
    AuthRequestId = "auth.request_id",
    Speed = "speed",
    QuerySource = "query_source",
    StatusCode = "status_code",
    HttpStatus = "http.response.status_code",
    HttpStatusOld = "http.status_code",
    Error = "error",
    ErrorMessage = "error.message",
    ErrorMessagePlain = "error_message",
    ErrorType = "error.type",
    ErrorTypePlain = "error_type",
    ErrorName = "error_name",
    ErrorClass = "error_class",
    Attempt = "attempt",
    TotalAttempts = "total_attempts",
    StopReason = "stop_reason",
    FinishReasons = "finish_reasons",
    Success = "success",
    ToolNamePlain = "tool_name",
    ToolUseId = "tool_use_id",
    ToolInput = "tool_input",
    ToolParametersPlain = "tool_parameters",
    FullCommand = "full_command",
    FilePath = "file_path",
    Decision = "decision",
    Source = "source",
    Prompt = "prompt",
    UserPrompt = "user_prompt",
    PromptLength = "prompt_length",
    Response = "response",
    Body = "body",
    PromptId = "prompt.id",
    PromptIdPlain = "prompt_id",
    TurnId = "turn.id",
    TurnIdPlain = "turn_id",
    AgentId = "agent_id",
    ParentAgentId = "parent_agent_id",
    AgentType = "agent_type",
    AgentTypeDotted = "agent.type",
    SubagentName = "subagent_name",
    SessionId = "session.id",
    SessionIdPlain = "session_id",
    ThreadId = "thread.id",
    ThreadIdPlain = "thread_id",
    ConversationId = "conversation.id",
    ConversationIdPlain = "conversation_id",
    UserId = "user.id",
    EnduserId = "enduser.id",
    CallId = "call_id",
    Arguments = "arguments",
    Output = "output",
    McpServer = "mcp_server",
    Endpoint = "endpoint",
    ProviderName = "provider_name",
    InputTokenCount = "input_token_count",
    OutputTokenCount = "output_token_count",
    CachedTokenCount = "cached_token_count",
    CachedContentTokenCount = "cached_content_token_count",
    CacheWriteTokenCount = "cache_write_token_count",
    ReasoningTokenCount = "reasoning_token_count",
    ThoughtsTokenCount = "thoughts_token_count",
    ToolTokenCount = "tool_token_count",
    TotalTokenCount = "total_token_count",
    CodexReasoning = "codex.usage.reasoning_output_tokens",
    CodexTotal = "codex.usage.total_tokens",
    CodexTurnInput = "codex.turn.token_usage.input_tokens",
    CodexTurnPhase = "codex.turn.phase",
    CodexToolPhase = "codex.tool.phase",
    FunctionName = "function_name",
    FunctionArgs = "function_args",
    AuthType = "auth_type",
    RequestText = "request_text",
    ResponseText = "response_text",
    FromMode = "from_mode",
    ToMode = "to_mode",
    Trigger = "trigger",
    PreTokens = "pre_tokens",
    PostTokens = "post_tokens",
    TokensBefore = "tokens_before",
    TokensAfter = "tokens_after",
    SkillName = "skill.name",
    Status = "status",
    CopilotTurn = "github.copilot.turn_id",
    CopilotInteraction = "github.copilot.interaction_id",
    CopilotFirstChunk = "github.copilot.time_to_first_chunk",

    // Everything else: who is asked, and what is plumbing.
    ServerAddress = "server.address",
    ExceptionMessage = "exception.message",
    ExceptionType = "exception.type",
    HttpMethod = "http.request.method",
    HttpMethodOld = "http.method",
    UrlFull = "url.full",
    HttpUrl = "http.url",
    RpcSystem = "rpc.system",
    DbSystem = "db.system",
    DbSystemName = "db.system.name",
    DbTopK = "db.vector.query.top_k",
    MessagingSystem = "messaging.system",
}

/// Places to look names up in: a power of two, several times as many as there are names.
const PLACES: usize = 2048;

/// The names by what [`place`] makes of their texts; what falls on a taken place stands at the next free one.
static TABLE: LazyLock<[u16; PLACES]> = LazyLock::new(|| {
    let mut table = [u16::MAX; PLACES];
    for (index, (_, text)) in (0_u16..).zip(KEYS) {
        let mut at = place(text.as_bytes());
        while table.get(at).is_some_and(|taken| *taken != u16::MAX) {
            at = (at + 1) % PLACES;
        }
        if let Some(free) = table.get_mut(at) {
            *free = index;
        }
    }
    table
});

/// Where to look for a name: from its length and both its ends, which is enough to keep ours apart.
fn place(text: &[u8]) -> usize {
    let eight =
        |part: Option<&[u8]>| part.and_then(|part| part.try_into().ok()).map_or(0, u64::from_le_bytes);
    let length = text.len();
    let (first, last) = if length < 8 {
        (text.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 0)
    } else {
        // The beginnings of names are mostly alike: what tells them apart stands in the middle and at the end.
        let middle = (length - 8) / 2;
        (eight(text.get(middle..middle + 8)), eight(text.get(length - 8..)))
    };
    let mixed = (first ^ last.rotate_left(29) ^ length as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 53).unwrap_or_default() % PLACES
}

/// The name that `text` is.
pub(super) fn key(text: &str) -> Option<Key> {
    let table = &*TABLE;
    let mut at = place(text.as_bytes());
    loop {
        let (key, known) = KEYS.get(usize::from(*table.get(at)?))?;
        if *known == text {
            return Some(*key);
        }
        at = (at + 1) % PLACES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_nothing_else() {
        for (index, (expected, text)) in KEYS.iter().enumerate() {
            assert_eq!(*expected as usize, index, "{text} stands at its own number");
            assert_eq!(key(text), Some(*expected), "{text} (or it stands twice)");
        }
        for text in ["", "x", "gen_ai", "gen_ai.system.", "gen_ai.usage.input_token", "prompt.id "] {
            assert_eq!(key(text), None, "{text:?}");
        }
    }

    #[test]
    fn names_are_found_in_few_steps() {
        let steps = |text: &str| {
            let found =
                TABLE.iter().position(|index| KEYS.get(usize::from(*index)).is_some_and(|(_, t)| *t == text));
            (found.unwrap() + PLACES - place(text.as_bytes())) % PLACES
        };
        let all: usize = KEYS.iter().map(|(_, text)| steps(text)).sum();
        assert!(all < KEYS.len(), "{all} steps past the first place for {} names", KEYS.len());
    }
}
