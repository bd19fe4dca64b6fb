"""Reports over OTLP with one Python instrumentation, and makes its calls of a model where it makes any.

Arguments: the instrumentation (sdk, traceloop, openinference, langchain, genai-v2), the collector's base URL, the base
URL of OpenAI's API, and the transport (http, gzip, grpc). Prints what a test has to know: one JSON document. Leaves out
retries (they are switched off), so that one call is one request.
"""

import json
import os
import sys

MODE, COLLECTOR, OPENAI, TRANSPORT = sys.argv[1:5]
KEY, SESSION = "sk-test-0123456789abcdef", "session-of-the-test"
MODEL = "gpt-4o-mini"
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is it like in Köln? 🌦"}]


def exporters():
    """Span, log and metric exporters of the transport."""
    if TRANSPORT == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        return [kind(endpoint=COLLECTOR, insecure=True) for kind in (OTLPSpanExporter, OTLPLogExporter, OTLPMetricExporter)]
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    packed = Compression.Gzip if TRANSPORT == "gzip" else Compression.NoCompression
    signals = ((OTLPSpanExporter, "traces"), (OTLPLogExporter, "logs"), (OTLPMetricExporter, "metrics"))
    return [kind(endpoint=f"{COLLECTOR}/v1/{signal}", compression=packed) for kind, signal in signals]


def tracing(spans):
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    provider = TracerProvider(resource=Resource.create({"service.name": f"emit-{MODE}", "service.version": "1.2.3"}))
    provider.add_span_processor(BatchSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    return provider


def plain_sdk():
    """Every signal of the plain SDK, with GenAI attributes set by hand."""
    import logging

    from opentelemetry import metrics, trace
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.trace import Link, SpanKind, Status, StatusCode

    spans, logs, points = exporters()
    tracer_provider = tracing(spans)
    logger_provider = LoggerProvider(resource=tracer_provider.resource)
    logger_provider.add_log_record_processor(BatchLogRecordProcessor(logs))
    reader = PeriodicExportingMetricReader(points, export_interval_millis=3_600_000)
    meter_provider = MeterProvider(resource=tracer_provider.resource, metric_readers=[reader])
    log = logging.getLogger("emit")
    log.setLevel(logging.DEBUG)
    log.addHandler(LoggingHandler(logger_provider=logger_provider))
    tracer, meter = trace.get_tracer("emit", "0.1"), meter_provider.get_meter("emit", "0.1")
    requests = meter.create_counter("requests", unit="1", description="Requests made")
    tokens = meter.create_histogram("gen_ai.client.token.usage", unit="{token}")
    active = meter.create_up_down_counter("active")
    meter.create_observable_gauge("temperature", callbacks=[lambda _: [metrics.Observation(1.5, {"where": "here"})]])
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner", "session.id": SESSION, "user.id": "ada"}
    with tracer.start_as_current_span("invoke_agent planner", attributes=agent) as root:
        root.add_event("started", {"why": "asked", "times": 3})
        for number in range(3):
            call = {
                "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": MODEL,
                "gen_ai.response.model": MODEL, "gen_ai.response.id": f"chatcmpl-emitted-{os.getpid()}-{number}",
                "gen_ai.usage.input_tokens": 1_000 + number, "gen_ai.usage.output_tokens": 20, "session.id": SESSION,
                "gen_ai.response.finish_reasons": ["stop"], "flag": True, "ratio": 0.1, "numbers": [1, 2, 3], "big": 2 ** 62,
            }
            links = [Link(root.get_span_context(), {"because": "it asked"})]
            with tracer.start_as_current_span(f"chat {MODEL}", kind=SpanKind.CLIENT, attributes=call, links=links) as span:
                log.info("request %d", number, extra={"model": MODEL})
                if number == 2:
                    span.set_status(Status(StatusCode.ERROR, "it broke"))
                    span.record_exception(ValueError("it broke"))
            requests.add(1, {"model": MODEL})
            tokens.record(1_000 + number, {"gen_ai.token.type": "input"})
            active.add(-1)
        tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather", "session.id": SESSION}
        with tracer.start_as_current_span("execute_tool get_weather", attributes=tool):
            log.warning("unicode é 🦀\nin two lines")
            try:
                raise ZeroDivisionError("over nothing")
            except ZeroDivisionError:
                log.exception("failed")
    for provider in (tracer_provider, logger_provider, meter_provider):
        provider.shutdown()
    return {"spans": 5, "logs": 5, "points": 4, "told": [[1_000, 20], [1_001, 20], [1_002, 20]]}


def openai_calls():
    """A whole answer, a stream, and where the SDK is new enough one of Responses."""
    import openai
    client = openai.OpenAI(base_url=OPENAI, api_key=KEY, max_retries=0)
    client.chat.completions.create(model=MODEL, messages=MESSAGES, temperature=0.5)
    asked = {"model": MODEL, "messages": MESSAGES, "stream": True, "stream_options": {"include_usage": True}}
    for _ in client.chat.completions.create(**asked):
        pass
    return 2


def traceloop():
    os.environ["TRACELOOP_TELEMETRY"] = "false"
    from traceloop.sdk import Traceloop
    from traceloop.sdk.decorators import task, tool, workflow
    Traceloop.init(app_name="emit-traceloop", api_endpoint=COLLECTOR, disable_batch=True, api_key="none")

    @tool(name="get_weather")
    def get_weather(city):
        return f"rain in {city}"

    @task(name="ask")
    def ask():
        get_weather("Köln")
        return openai_calls()

    @workflow(name="answer")
    def answer():
        Traceloop.set_association_properties({"session_id": SESSION, "user_id": "ada"})
        return ask()

    return {"calls": answer()}


def openinference():
    from openinference.instrumentation import using_attributes
    from openinference.instrumentation.openai import OpenAIInstrumentor
    provider = tracing(exporters()[0])
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    with using_attributes(session_id=SESSION, user_id="ada", metadata={"why": "a test"}, tags=["one", "two"]):
        calls = openai_calls()
    provider.shutdown()
    return {"calls": calls}


def langchain():
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI
    from openinference.instrumentation import using_attributes
    from openinference.instrumentation.langchain import LangChainInstrumentor

    @tool
    def get_weather(city: str) -> str:
        """The weather of a city."""
        return f"rain in {city}"

    provider = tracing(exporters()[0])
    LangChainInstrumentor().instrument(tracer_provider=provider)
    model = ChatOpenAI(model=MODEL, base_url=OPENAI, api_key=KEY, max_retries=0, stream_usage=True)
    prompt = ChatPromptTemplate.from_messages([("system", "You are {who}."), ("user", "{question}")])
    with using_attributes(session_id=SESSION):
        (prompt | model).invoke({"who": "a test", "question": "What is it like in Köln?"})
        for _ in model.stream("And in Bonn?"):
            pass
        get_weather.invoke({"city": "Köln"})
    provider.shutdown()
    return {"calls": 2}


def genai_v2():
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true"
    from opentelemetry._logs import set_logger_provider
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    spans, logs, _ = exporters()
    provider = tracing(spans)
    logger_provider = LoggerProvider(resource=provider.resource)
    logger_provider.add_log_record_processor(BatchLogRecordProcessor(logs))
    set_logger_provider(logger_provider)
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    calls = openai_calls()
    provider.shutdown()
    logger_provider.shutdown()
    return {"calls": calls}


MODES = {"sdk": plain_sdk, "traceloop": traceloop, "openinference": openinference, "langchain": langchain, "genai-v2": genai_v2}
done = MODES[MODE]()
print("\n" + json.dumps({"session": SESSION, **done}))
