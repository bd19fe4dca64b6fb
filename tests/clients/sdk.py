"""Makes calls with the official Python SDKs, one for each line of JSON on standard input.

A line names the API, the base URL's root and whether to stream; the answer is one line: what the SDK's user sees.
Leaves out retries (they are switched off), so that one line is one request.
"""

import json
import sys

import anthropic
import openai
from google import genai
from google.genai import types

PROMPT = "What is the weather in Köln? 🌦"
SYSTEM = "Be brief."
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def chat(root, stream):
    client = openai.OpenAI(base_url=root + "/v1", api_key="sk-test-0123456789abcdef", max_retries=0)
    asked = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}],
        "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}],
    }
    if not stream:
        message = client.chat.completions.create(**asked).choices[0].message
        calls = [[call.function.name, call.function.arguments] for call in message.tool_calls or []]
        return {"text": message.content, "calls": calls}
    text, name, arguments = "", None, ""
    for chunk in client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
        for choice in chunk.choices:
            text += choice.delta.content or ""
            for call in choice.delta.tool_calls or []:
                name = call.function.name or name
                arguments += call.function.arguments or ""
    return {"text": text, "calls": [[name, arguments]] if name else []}


def responses(root, stream):
    client = openai.OpenAI(base_url=root + "/v1", api_key="sk-test-0123456789abcdef", max_retries=0)
    asked = {
        "model": "gpt-5", "instructions": SYSTEM, "input": PROMPT,
        "tools": [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}],
    }
    if stream:
        text, answer = "", None
        for event in client.responses.create(**asked, stream=True):
            if event.type == "response.output_text.delta":
                text += event.delta
            elif event.type == "response.completed":
                answer = event.response
        if answer is None:
            return {"text": text, "calls": "none: the stream had no end"}
    else:
        answer = client.responses.create(**asked)
        text = answer.output_text
    calls = [[item.name, item.arguments] for item in answer.output if item.type == "function_call"]
    return {"text": text, "calls": calls}


def messages(root, stream):
    client = anthropic.Anthropic(base_url=root, api_key="sk-ant-test-0123456789", max_retries=0)
    asked = {
        "model": "claude-sonnet-4-5-20250929", "max_tokens": 1024, "system": SYSTEM,
        "messages": [{"role": "user", "content": PROMPT}],
        "tools": [{"name": "get_weather", "input_schema": SCHEMA}],
    }
    if stream:
        with client.messages.stream(**asked) as events:
            answer = events.get_final_message()
    else:
        answer = client.messages.create(**asked)
    text = "".join(block.text for block in answer.content if block.type == "text")
    calls = [[block.name, block.input] for block in answer.content if block.type == "tool_use"]
    return {"text": text, "calls": calls}


def gemini(root, stream):
    client = genai.Client(api_key="AIzaTest0123456789", http_options=types.HttpOptions(base_url=root))
    declaration = types.FunctionDeclaration(name="get_weather", parameters_json_schema=SCHEMA)
    config = types.GenerateContentConfig(
        system_instruction=SYSTEM,
        tools=[types.Tool(function_declarations=[declaration])],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    asked = {"model": "gemini-2.5-flash", "contents": PROMPT, "config": config}
    answers = client.models.generate_content_stream(**asked) if stream else [client.models.generate_content(**asked)]
    text, calls = "", []
    for answer in answers:
        for part in answer.candidates[0].content.parts if answer.candidates else []:
            text += part.text or ""
            if part.function_call:
                calls.append([part.function_call.name, part.function_call.args])
    return {"text": text, "calls": calls}


APIS = {"chat": chat, "responses": responses, "messages": messages, "gemini": gemini}

for line in sys.stdin:
    case = json.loads(line)
    try:
        outcome = APIS[case["api"]](case["root"], case["stream"])
    except Exception as error:  # whatever it is, it is what the SDK's user sees
        outcome = {"error": type(error).__name__, "status": getattr(error, "status_code", getattr(error, "code", None))}
    print(json.dumps(outcome, ensure_ascii=False), flush=True)
