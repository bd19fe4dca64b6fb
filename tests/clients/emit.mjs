// Reports over OTLP with one JavaScript instrumentation, and makes its calls of a model where it makes any.
//
// Arguments: the folder of the SDKs, the instrumentation (sdk, ai), the collector's base URL, the base URL of OpenAI's
// API, and the transport (json, json-gzip). Prints what a test has to know: one JSON document. Leaves out retries.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { load } from './load.mjs';

const [mode, collector, openai, transport] = process.argv.slice(3);
const SESSION = 'session-of-the-test', MODEL = 'gpt-4o-mini';
// OpenTelemetry's modules for `import` do not load without a bundler.
const named = createRequire(join(process.argv[2], 'here.js'));
const { trace, SpanStatusCode, SpanKind } = named('@opentelemetry/api');
const { logs } = named('@opentelemetry/api-logs');
const { NodeSDK } = named('@opentelemetry/sdk-node');
const { OTLPTraceExporter } = named('@opentelemetry/exporter-trace-otlp-http');
const { OTLPMetricExporter } = named('@opentelemetry/exporter-metrics-otlp-http');
const { OTLPLogExporter } = named('@opentelemetry/exporter-logs-otlp-http');
const { PeriodicExportingMetricReader } = named('@opentelemetry/sdk-metrics');
const { BatchLogRecordProcessor } = named('@opentelemetry/sdk-logs');
const { metrics } = named('@opentelemetry/api');

const to = (signal) => ({ url: `${collector}/v1/${signal}`, compression: transport === 'json-gzip' ? 'gzip' : 'none' });
const sdk = new NodeSDK({
  serviceName: `emit-js-${mode}`,
  traceExporter: new OTLPTraceExporter(to('traces')),
  metricReaders: [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(to('metrics')), exportIntervalMillis: 3_600_000 })],
  logRecordProcessors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter(to('logs')) })],
});
sdk.start();

/** Every signal of the plain SDK, with GenAI attributes set by hand. */
async function plain() {
  const tracer = trace.getTracer('emit', '0.1'), meter = metrics.getMeter('emit', '0.1');
  const requests = meter.createCounter('requests', { unit: '1' });
  const tokens = meter.createHistogram('gen_ai.client.token.usage', { unit: '{token}' });
  const told = [];
  const agent = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'planner', 'session.id': SESSION };
  tracer.startActiveSpan('invoke_agent planner', { attributes: agent }, (root) => {
    root.addEvent('started', { why: 'asked', times: 3 });
    for (let number = 0; number < 3; number++) {
      const attributes = {
        'gen_ai.operation.name': 'chat', 'gen_ai.system': 'openai', 'gen_ai.request.model': MODEL, 'gen_ai.response.model': MODEL,
        'gen_ai.response.id': `chatcmpl-emitted-${process.pid}-${number}`, 'gen_ai.usage.input_tokens': 1_000 + number,
        'gen_ai.usage.output_tokens': 20, 'session.id': SESSION, big: 2 ** 53, ratio: 0.1, flag: false, list: ['a', 'é 🦀'],
      };
      told.push([1_000 + number, 20]);
      tracer.startActiveSpan(`chat ${MODEL}`, { kind: SpanKind.CLIENT, attributes, links: [{ context: root.spanContext(), attributes: { because: 'it asked' } }] }, (span) => {
        logs.getLogger('emit').emit({ severityNumber: 9, severityText: 'INFO', body: `request ${number}`, attributes: { model: MODEL } });
        if (number === 2) {
          span.recordException(new Error('it broke'));
          span.setStatus({ code: SpanStatusCode.ERROR, message: 'it broke' });
        }
        span.end();
      });
      requests.add(1, { model: MODEL });
      tokens.record(1_000 + number, { 'gen_ai.token.type': 'input' });
    }
    const tool = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'get_weather', 'session.id': SESSION };
    tracer.startActiveSpan('execute_tool get_weather', { attributes: tool }, (span) => span.end());
    logs.getLogger('emit').emit({ severityNumber: 17, severityText: 'ERROR', body: { nested: { whole: 1, half: 0.5 } }, attributes: { 'event.name': 'it.broke' } });
    root.end();
  });
  return { spans: 5, logs: 4, points: 2, told };
}

/** The AI SDK's own telemetry. */
async function vercel() {
  const { generateText, streamText } = await load('ai');
  const { createOpenAI } = await load('@ai-sdk/openai');
  const provider = createOpenAI({ baseURL: openai, apiKey: 'sk-test-0123456789abcdef' });
  const experimental_telemetry = { isEnabled: true, functionId: 'answer', metadata: { sessionId: SESSION, userId: 'ada' } };
  const asked = { prompt: 'What is it like in Köln? 🌦', maxRetries: 0, experimental_telemetry };
  await generateText({ model: provider.chat(MODEL), ...asked });
  for await (const _ of streamText({ model: provider.responses('gpt-5'), ...asked }).textStream);
  return { calls: 2 };
}

const done = await (mode === 'sdk' ? plain() : vercel());
await sdk.shutdown();
console.log('\n' + JSON.stringify({ session: SESSION, ...done }));
