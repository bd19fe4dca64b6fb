// Makes calls with the official JavaScript SDKs, one for each line of JSON on standard input.
//
// A line names the API, the base URL's root and whether to stream; the answer is one line: what the SDK's user sees.
// Leaves out retries (they are switched off), so that one line is one request. The SDKs are taken from the folder
// that the first argument names.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(join(process.argv[2], 'from-here.js'));
const { OpenAI } = require('openai');
const { Anthropic } = require('@anthropic-ai/sdk');
const { GoogleGenAI } = require('@google/genai');

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

const APIS = { chat, responses, messages, gemini };

for await (const line of createInterface({ input: process.stdin })) {
  const { api, root, stream } = JSON.parse(line);
  let outcome;
  try {
    outcome = await APIS[api](root, stream);
  } catch (error) {
    // Whatever it is, it is what the SDK's user sees.
    outcome = { error: error.constructor.name, status: error.status ?? null };
  }
  console.log(JSON.stringify(outcome));
}
