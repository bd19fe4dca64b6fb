// One script for four providers: the OpenAI SDK makes the same calls to each, and what its user gets has to agree.
//
// Arguments: the folder of the SDKs, the proxy's root, and the prefixes besides `/v1` to go through. A marker in each
// prompt (`case:NAME`) tells the mock behind the proxy what to answer. Prints one JSON document: what differs from
// `/v1`, field by field, and how many answers were compared. Leaves out retries: one call is one request.


import { load } from './load.mjs';

const { OpenAI } = await load('openai');
const { generateText, generateObject, streamText, jsonSchema, stepCountIs, tool: aiTool } = await load('ai');
const { createOpenAI } = await load('@ai-sdk/openai');

const MODELS = {
  '/v1': ['gpt-4o-mini', 'gpt-5'],
  '/anthropic/v1': ['claude-sonnet-4-5', 'claude-opus-4-6'],
  '/gemini/v1': ['gemini-2.5-flash', 'gemini-2.5-pro'],
  '/cohere/v1': ['command-a-03-2025', 'command-a-reasoning-08-2025'],
};
// What only one side says, without a meaning that the other lacks.
const OWN = new Set(['service_tier', 'system_fingerprint', 'reasoning_details', 'extra_content', 'cache_write_tokens',
  'audio_tokens', 'accepted_prediction_tokens', 'rejected_prediction_tokens', 'annotations', 'obfuscation', 'logprobs', 'encrypted_content']);
// What a provider does not tell.
const UNTOLD = [/^\/cohere\/v1 (response_)?reasoning.*\.reasoning_tokens$/];
// Values that each provider makes for itself.
const FREE = new Set(['id', 'created', 'model', 'item_id', 'call_id']);
const PIXEL = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const KEY = 'sk-test-0123456789abcdef';

const schemaOf = (field) => ({ type: 'object', properties: { [field]: { type: 'string' } }, required: [field], additionalProperties: false });
const tool = (name, field) => ({ type: 'function', function: { name, description: `Asks for ${name}`, parameters: schemaOf(field) } });
const TOOLS = [tool('get_weather', 'city'), tool('get_time', 'zone')];
const WEATHER = { type: 'object', properties: { city: { type: 'string' }, degrees: { type: 'integer' } }, required: ['city', 'degrees'], additionalProperties: false };
const ask = (name) => [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: `case:${name} What is it like in Köln? 🌦` }];

/** A stream's message, put together. */
async function gather(stream) {
  const said = { role: null, content: '', reasoning_content: '', calls: [], finish_reason: null, usage: null, chunk: {} };
  for await (const chunk of stream) {
    said.chunk = merge(said.chunk, shape(chunk));
    said.usage = chunk.usage ?? said.usage;
    for (const { delta, finish_reason } of chunk.choices) {
      said.role = delta.role ?? said.role;
      said.content += delta.content ?? '';
      said.reasoning_content += delta.reasoning_content ?? '';
      said.finish_reason = finish_reason ?? said.finish_reason;
      for (const call of delta.tool_calls ?? []) {
        const held = said.calls[call.index] ??= { id: null, name: null, arguments: '' };
        held.id = call.id ?? held.id;
        held.name = call.function.name ?? held.name;
        held.arguments += call.function.arguments ?? '';
      }
    }
  }
  return said;
}

/** Goes on until no tool is called any more. */
async function loop(api, model, name, results) {
  const messages = ask(name), turns = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const answer = await api.chat.completions.create({ model, messages, tools: TOOLS });
    turns.push(answer);
    const { message } = answer.choices[0];
    messages.push(message);
    if (!message.tool_calls?.length) return turns;
    messages.push(...results(message.tool_calls.map((call) => ({ role: 'tool', tool_call_id: call.id, content: `${call.function.name} is fine` }))));
  }
  return { error: 'it calls tools for ever', turns };
}

async function failed(make) {
  try {
    await make();
  } catch (error) {
    return { class: error.constructor.name, status: error.status ?? null, fields: Object.keys(error.error ?? {}).sort() };
  }
  return { class: null };
}

const CASES = {
  chat: (api, [model]) => api.chat.completions.create({ model, messages: ask('plain'), temperature: 0.5, max_tokens: 500, stop: 'END' }),
  stream: async (api, [model]) => gather(await api.chat.completions.create({ model, messages: ask('plain'), stream: true, stream_options: { include_usage: true } })),
  tools: (api, [model]) => loop(api, model, 'tools', (results) => results),
  parallel: (api, [model]) => loop(api, model, 'parallel', (results) => results.reverse()),
  tools_streamed: async (api, [model]) => gather(await api.chat.completions.create({ model, messages: ask('tools'), tools: TOOLS, stream: true })),
  parallel_streamed: async (api, [model]) => gather(await api.chat.completions.create({ model, messages: ask('parallel'), tools: TOOLS, stream: true })),
  image: (api, [model]) => api.chat.completions.create({
    model, messages: [{ role: 'user', content: [{ type: 'text', text: 'case:plain What is this?' }, { type: 'image_url', image_url: { url: PIXEL } }] }],
  }),
  schema: async (api, [model]) => {
    const format = { type: 'json_schema', json_schema: { name: 'weather', schema: WEATHER, strict: true } };
    const answer = await api.chat.completions.create({ model, messages: ask('schema'), response_format: format });
    return JSON.parse(answer.choices[0].message.content);
  },
  reasoning: (api, [, model]) => api.chat.completions.create({ model, messages: ask('reasoning'), reasoning_effort: 'medium', max_completion_tokens: 4000 }),
  reasoning_streamed: async (api, [, model]) => gather(await api.chat.completions.create({ model, messages: ask('reasoning'), reasoning_effort: 'low', stream: true })),
  error: (api, [model]) => failed(() => api.chat.completions.create({ model, messages: ask('error') })),
  error_streamed: (api, [model]) => failed(() => api.chat.completions.create({ model, messages: ask('error'), stream: true })),
  error_midway: (api, [model]) => failed(async () => gather(await api.chat.completions.create({ model, messages: ask('midway'), stream: true }))),
  cancel: async (api, [model]) => {
    const stream = await api.chat.completions.create({ model, messages: ask('cancel'), stream: true });
    let read = 0;
    for await (const chunk of stream) {
      read += chunk.choices.length ? 1 : 0;
      if (read === 2) break;
    }
    return { read };
  },
};

/** What of a response is the provider's to tell. */
const told = ({ id, object, status, output, output_text, usage, error, incomplete_details }) => ({ id, object, status, output, output_text, usage, error, incomplete_details });
const FLAT = TOOLS.map(({ function: { name, description, parameters } }) => ({ type: 'function', name, description, parameters, strict: true }));
const say = (name) => [{ role: 'user', content: [{ type: 'input_text', text: `case:${name} What is it like in Köln? 🌦` }] }];

/** A stream's events in their order, how each looks, and the response it ends with. */
async function events(stream) {
  const order = [], chunks = {};
  let final = null, number = 0;
  for await (const { response, ...event } of stream) {
    if (event.sequence_number !== number) throw new Error(`event ${number} has the number ${event.sequence_number}`);
    number += 1;
    if (order.at(-1) !== event.type) order.push(event.type);
    chunks[event.type] = merge(chunks[event.type], shape(event));
    final = response ?? final;
  }
  return { order, chunks, final: told(final) };
}

/** Goes on until no function is called any more; what was said goes back as it came. */
async function rounds(api, model, name, results) {
  const input = say(name), turns = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const answer = await api.responses.create({ model, input, tools: FLAT });
    turns.push(told(answer));
    const calls = answer.output.filter(({ type }) => type === 'function_call');
    if (!calls.length) return turns;
    input.push(...answer.output, ...results(calls.map(({ call_id, name }) => ({ type: 'function_call_output', call_id, output: `${name} is fine` }))));
  }
  return { error: 'it calls functions for ever', turns };
}

const RESPONSES = {
  response: async (api, [model]) => told(await api.responses.create({ model, input: say('plain'), instructions: 'Be brief.', max_output_tokens: 500 })),
  response_streamed: async (api, [model]) => events(await api.responses.create({ model, input: say('plain'), stream: true })),
  response_tools: (api, [model]) => rounds(api, model, 'tools', (results) => results),
  response_parallel: (api, [model]) => rounds(api, model, 'parallel', (results) => results.reverse()),
  response_tools_streamed: async (api, [model]) => events(await api.responses.create({ model, input: say('parallel'), tools: FLAT, stream: true })),
  response_image: async (api, [model]) => told(await api.responses.create({
    model, input: [{ role: 'user', content: [{ type: 'input_text', text: 'case:plain What is this?' }, { type: 'input_image', image_url: PIXEL, detail: 'auto' }] }],
  })),
  response_schema: async (api, [model]) => {
    const format = { type: 'json_schema', name: 'weather', schema: WEATHER, strict: true };
    return JSON.parse((await api.responses.create({ model, input: say('schema'), text: { format } })).output_text);
  },
  response_reasoning: async (api, [, model]) => events(await api.responses.create({ model, input: say('reasoning'), reasoning: { effort: 'low', summary: 'auto' }, stream: true })),
  response_error: (api, [model]) => failed(() => api.responses.create({ model, input: say('error'), stream: true })),
};

// Vercel's AI SDK on the same addresses: with chat completions, and with responses, which is what it does unasked.
const chosen = (root, prefix) => createOpenAI({ baseURL: root + prefix, apiKey: KEY }).chat(MODELS[prefix][0]);
const unasked = (root, prefix) => createOpenAI({ baseURL: root + prefix, apiKey: KEY })(MODELS[prefix][0]);
const offered = () => Object.fromEntries(TOOLS.map(({ function: { name, description, parameters } }) => [
  name, aiTool({ description, inputSchema: jsonSchema(parameters), execute: async () => 'fine' }),
]));
// Responses are kept by OpenAI unless the caller says no, and then named instead of sent.
const CALM = { maxRetries: 0, providerOptions: { openai: { store: false } } };
const VERCEL = {
  ai_text: async (model) => {
    const { text, finishReason, usage } = await generateText({ model, ...CALM, prompt: 'case:plain Hello' });
    return { text, finishReason, usage: Object.keys(usage).sort() };
  },
  ai_stream: async (model) => {
    const result = streamText({ model, ...CALM, messages: ask('plain') });
    let text = '';
    for await (const piece of result.textStream) text += piece;
    return { text, finishReason: await result.finishReason };
  },
  ai_tools: async (model) => {
    const { text, steps } = await generateText({ model, ...CALM, messages: ask('tools'), tools: offered(), stopWhen: stepCountIs(5) });
    return { text, calls: steps.map((step) => step.toolCalls.map(({ toolName, input }) => ({ toolName, input }))) };
  },
  ai_parallel: async (model) => {
    const { text, steps } = await generateText({ model, ...CALM, messages: ask('parallel'), tools: offered(), stopWhen: stepCountIs(5) });
    return { text, calls: steps.map((step) => step.toolCalls.map(({ toolName, input }) => ({ toolName, input }))) };
  },
  ai_object: async (model) => {
    const { object } = await generateObject({ model, ...CALM, messages: ask('schema'), schema: jsonSchema(WEATHER) });
    return object;
  },
};

/** What a value looks like: what is null is not there, and a list's elements look alike. */
function shape(value) {
  if (Array.isArray(value)) return value.length ? [value.map(shape).reduce(merge)] : [];
  if (value && typeof value === 'object') {
    const fields = Object.entries(value).filter(([key, field]) => field !== null && field !== undefined && !OWN.has(key));
    return Object.fromEntries(fields.map(([key, field]) => [key, shape(field)]));
  }
  return typeof value;
}

function merge(one, other) {
  if (one === undefined || other === undefined) return one ?? other;
  if (Array.isArray(one) && Array.isArray(other)) return one.length && other.length ? [merge(one[0], other[0])] : one.length ? one : other;
  if (typeof one === 'object' && typeof other === 'object') {
    return Object.fromEntries([...new Set([...Object.keys(one), ...Object.keys(other)])].map((key) => [key, merge(one[key], other[key])]));
  }
  return one;
}

const nothing = (value) => value === null || value === undefined;

/** Fields, their types, and the values that the mock gives to all. */
function compare(path, expected, found, out) {
  const both = [expected, found];
  if (both.every(Array.isArray)) {
    if (expected.length !== found.length) out.push(`${path}: ${expected.length} elements are ${found.length}`);
    expected.forEach((element, index) => index < found.length && compare(`${path}[${index}]`, element, found[index], out));
  } else if (both.every((value) => value && typeof value === 'object')) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(found)])) {
      if (OWN.has(key) || UNTOLD.some((one) => one.test(`${path}.${key}`)) || (nothing(expected[key]) && nothing(found[key]))) continue;
      if (!FREE.has(key)) compare(`${path}.${key}`, expected[key], found[key], out);
      else if (typeof expected[key] !== typeof found[key]) out.push(`${path}.${key}: ${expected[key]} is ${found[key]}`);
    }
  } else if (path.endsWith('.arguments') && !path.includes('.chunk') && both.every((value) => typeof value === 'string')) {
    if (JSON.stringify(JSON.parse(expected)) !== JSON.stringify(JSON.parse(found))) out.push(`${path}: ${expected} is ${found}`);
  } else if (expected !== found) {
    out.push(`${path}: ${JSON.stringify(expected)} is ${JSON.stringify(found)}`);
  }
}

const [root, ...prefixes] = process.argv.slice(3);
const run = {
  ...Object.fromEntries(Object.entries({ ...CASES, ...RESPONSES }).map(([name, make]) => [name, (prefix) => {
    const api = new OpenAI({ baseURL: root + prefix, apiKey: KEY, maxRetries: 0 });
    return make(api, MODELS[prefix]);
  }])),
  ...Object.fromEntries(Object.entries(VERCEL).map(([name, make]) => [name, (prefix) => make(chosen(root, prefix))])),
  ...Object.fromEntries(Object.entries(VERCEL).map(([name, make]) => [`${name}_unasked`, (prefix) => make(unasked(root, prefix))])),
};
const first = {};
for (const [name, make] of Object.entries(run)) first[name] = await make('/v1');
const differences = [];
let compared = 0;
for (const prefix of prefixes) {
  for (const [name, make] of Object.entries(run)) {
    try {
      const result = await make(prefix);
      compared += 1;
      compare(`${prefix} ${name}`, first[name], result, differences);
    } catch (error) {
      differences.push(`${prefix} ${name}: ${error.constructor.name}: ${error.message}`);
    }
  }
}
console.log(JSON.stringify({ cases: Object.keys(run).length, compared, differences }));
