// Makes calls with one JavaScript SDK, one for each line of JSON on standard input.
//
// The first argument is the folder of the SDKs, the second names one. A line names the API, the base URL's root and
// whether to stream; the answer is one line: what the SDK's user sees. Leaves out retries (they are switched off), so
// that one line is one request.

import { createInterface } from 'node:readline';
import { load } from './load.mjs';

const SDKS = {
  'openai': ['chat', 'responses'], '@anthropic-ai/sdk': ['messages'], '@google/genai': ['gemini'],
  'ai': ['ai-chat', 'ai-responses', 'ai-messages', 'ai-gemini'],
};
const named = SDKS[process.argv[3]];
const { OpenAI } = named.includes('chat') ? await load('openai') : {};
const { Anthropic } = named.includes('messages') ? await load('@anthropic-ai/sdk') : {};
const { GoogleGenAI } = named.includes('gemini') ? await load('@google/genai') : {};
const ai = named.includes('ai-chat') ? await load('ai') : {};
const { createOpenAI } = named.includes('ai-chat') ? await load('@ai-sdk/openai') : {};
const { createAnthropic } = named.includes('ai-chat') ? await load('@ai-sdk/anthropic') : {};
const { createGoogleGenerativeAI } = named.includes('ai-chat') ? await load('@ai-sdk/google') : {};

const PROMPT = 'What is the weather in Köln? 🌦';
const SYSTEM = 'Be brief.';
const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

async function chat(root, stream) {
  const client = new OpenAI({ baseURL: `${root}/v1`, apiKey: 'sk-test-0123456789abcdef', maxRetries: 0 });
  const asked = {
    model: 'gpt-4o-mini',
    messages: [{ role: 'system', content: SYSTEM }, { role: 'user', content: PROMPT }],
    tools: [{ type: 'function', function: { name: 'get_weather', parameters: SCHEMA } }],
  };
  if (!stream) {
    const { message } = (await client.chat.completions.create(asked)).choices[0];
    return { text: message.content, calls: (message.tool_calls ?? []).map((call) => [call.function.name, call.function.arguments]) };
  }
  let text = '', name = null, json = '';
  for await (const chunk of await client.chat.completions.create({ ...asked, stream: true, stream_options: { include_usage: true } })) {
    for (const { delta } of chunk.choices) {
      text += delta.content ?? '';
      for (const call of delta.tool_calls ?? []) {
        name = call.function.name ?? name;
        json += call.function.arguments ?? '';
      }
    }
  }
  return { text, calls: name ? [[name, json]] : [] };
}

async function responses(root, stream) {
  const client = new OpenAI({ baseURL: `${root}/v1`, apiKey: 'sk-test-0123456789abcdef', maxRetries: 0 });
  const asked = {
    model: 'gpt-5', instructions: SYSTEM, input: PROMPT,
    tools: [{ type: 'function', name: 'get_weather', parameters: SCHEMA, strict: false }],
  };
  let text = '', answer = null;
  if (stream) {
    for await (const event of await client.responses.create({ ...asked, stream: true })) {
      if (event.type === 'response.output_text.delta') text += event.delta;
      if (event.type === 'response.completed') answer = event.response;
    }
    if (!answer) return { text, calls: 'none: the stream had no end' };
  } else {
    answer = await client.responses.create(asked);
    text = answer.output_text;
  }
  return { text, calls: answer.output.filter((item) => item.type === 'function_call').map((item) => [item.name, item.arguments]) };
}

async function messages(root, stream) {
  const client = new Anthropic({ baseURL: root, apiKey: 'sk-ant-test-0123456789', maxRetries: 0 });
  const asked = {
    model: 'claude-sonnet-4-5-20250929', max_tokens: 1024, system: SYSTEM,
    messages: [{ role: 'user', content: PROMPT }],
    tools: [{ name: 'get_weather', input_schema: SCHEMA }],
  };
  const answer = stream ? await client.messages.stream(asked).finalMessage() : await client.messages.create(asked);
  const of = (type) => answer.content.filter((block) => block.type === type);
  return { text: of('text').map((block) => block.text).join(''), calls: of('tool_use').map((block) => [block.name, block.input]) };
}

async function gemini(root, stream) {
  const client = new GoogleGenAI({ apiKey: 'AIzaTest0123456789', httpOptions: { baseUrl: root } });
  const asked = {
    model: 'gemini-2.5-flash', contents: PROMPT,
    config: { systemInstruction: SYSTEM, tools: [{ functionDeclarations: [{ name: 'get_weather', parametersJsonSchema: SCHEMA }] }] },
  };
  const answers = stream ? await client.models.generateContentStream(asked) : [await client.models.generateContent(asked)];
  let text = '';
  const calls = [];
  for await (const answer of answers) {
    for (const part of answer.candidates?.[0]?.content?.parts ?? []) {
      text += part.text ?? '';
      if (part.functionCall) calls.push([part.functionCall.name, part.functionCall.args]);
    }
  }
  return { text, calls };
}

const KEY = 'sk-test-0123456789abcdef';
const MODELS = {
  'ai-chat': (root) => createOpenAI({ baseURL: `${root}/v1`, apiKey: KEY }).chat('gpt-4o-mini'),
  'ai-responses': (root) => createOpenAI({ baseURL: `${root}/v1`, apiKey: KEY }).responses('gpt-5'),
  'ai-messages': (root) => createAnthropic({ baseURL: `${root}/v1`, apiKey: KEY })('claude-sonnet-4-5-20250929'),
  'ai-gemini': (root) => createGoogleGenerativeAI({ baseURL: `${root}/v1beta`, apiKey: 'AIzaTest0123456789' })('gemini-2.5-flash'),
};

async function vercel(model, stream) {
  const tools = { get_weather: ai.tool({ description: 'Weather', inputSchema: ai.jsonSchema(SCHEMA) }) };
  const asked = { model, system: SYSTEM, prompt: PROMPT, tools, maxRetries: 0 };
  let text = '', calls = [];
  if (!stream) {
    const answer = await ai.generateText(asked);
    return { text: answer.text, calls: answer.toolCalls.map((call) => [call.toolName, call.input]) };
  }
  for await (const part of ai.streamText({ ...asked, onError() {} }).fullStream) {
    if (part.type === 'text-delta') text += part.text;
    if (part.type === 'tool-call') calls.push([part.toolName, part.input]);
    if (part.type === 'error') throw part.error;
  }
  return { text, calls };
}

const APIS = { chat, responses, messages, gemini };
for (const [api, model] of Object.entries(MODELS)) APIS[api] = (root, stream) => vercel(model(root), stream);

for await (const line of createInterface({ input: process.stdin })) {
  const { api, root, stream } = JSON.parse(line);
  let outcome;
  try {
    outcome = await APIS[api](root, stream);
  } catch (error) {
    // Whatever it is, it is what the SDK's user sees.
    outcome = { error: error.constructor.name, status: error.status ?? error.statusCode ?? null };
    if (process.env.LLMFLOW_CLIENTS_VERBOSE) console.error(error.stack);
  }
  console.log(JSON.stringify(outcome));
}
