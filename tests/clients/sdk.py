"""Makes calls with one Python SDK, one for each line of JSON on standard input.

The first argument names the SDK. A line names the API, the base URL's root and whether to stream; the answer is one
line: what the SDK's user sees. Leaves out retries (they are switched off), so that one line is one request.
"""

import gc
import json
import os
import sys

PROMPT = "What is the weather in Köln? 🌦"
SYSTEM = "Be brief."
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
MESSAGES = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}]
FUNCTION = {"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": SCHEMA}}
KEY = "sk-test-0123456789abcdef"


def openai_sdk():
    import openai

    def client(root):
        return openai.OpenAI(base_url=root + "/v1", api_key=KEY, max_retries=0)

    def chat(root, stream):
        asked = {"model": "gpt-4o-mini", "messages": MESSAGES, "tools": [FUNCTION]}
        if not stream:
            return message(client(root).chat.completions.create(**asked))
        asked["stream_options"] = {"include_usage": True}
        return chunks(client(root).chat.completions.create(**asked, stream=True))

    def responses(root, stream):
        tool = {"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}
        asked = {"model": "gpt-5", "instructions": SYSTEM, "input": PROMPT, "tools": [tool]}
        text, answer = "", None
        if stream:
            for event in client(root).responses.create(**asked, stream=True):
                if event.type == "response.output_text.delta":
                    text += event.delta
                elif event.type == "response.completed":
                    answer = event.response
            if answer is None:
                return {"text": text, "calls": "none: the stream had no end"}
        else:
            answer = client(root).responses.create(**asked)
            text = answer.output_text
        calls = [[item.name, item.arguments] for item in answer.output if item.type == "function_call"]
        return {"text": text, "calls": calls}

    return {"chat": chat, "responses": responses}


def message(answer):
    """A whole answer of Chat Completions."""
    said = answer.choices[0].message
    return {"text": said.content, "calls": [[c.function.name, c.function.arguments] for c in said.tool_calls or []]}


def chunks(stream):
    """A streamed answer of Chat Completions."""
    text, name, arguments = "", None, ""
    for chunk in stream:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            for call in choice.delta.tool_calls or []:
                name = call.function.name or name
                arguments += call.function.arguments or ""
    return {"text": text, "calls": [[name, arguments]] if name else []}


def anthropic_sdk():
    import anthropic

    def messages(root, stream):
        client = anthropic.Anthropic(base_url=root, api_key="sk-ant-test-0123456789", max_retries=0)
        asked = {
            "model": "claude-sonnet-4-5-20250929", "max_tokens": 1024, "system": SYSTEM, "messages": MESSAGES[1:],
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

    return {"messages": messages}


def google_sdk():
    from google import genai
    from google.genai import types

    def gemini(root, stream):
        client = genai.Client(api_key="AIzaTest0123456789", http_options=types.HttpOptions(base_url=root))
        declaration = types.FunctionDeclaration(name="get_weather", parameters_json_schema=SCHEMA)
        config = types.GenerateContentConfig(
            system_instruction=SYSTEM,
            tools=[types.Tool(function_declarations=[declaration])],
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        asked = {"model": "gemini-2.5-flash", "contents": PROMPT, "config": config}
        models = client.models
        answers = models.generate_content_stream(**asked) if stream else [models.generate_content(**asked)]
        text, calls = "", []
        for answer in answers:
            for part in answer.candidates[0].content.parts if answer.candidates else []:
                text += part.text or ""
                if part.function_call:
                    calls.append([part.function_call.name, part.function_call.args])
        return {"text": text, "calls": calls}

    return {"gemini": gemini}


def litellm_sdk():
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True

    def api(model, below="", **more):
        def call(root, stream):
            if stream and below == "/v1":
                more["stream_options"] = {"include_usage": True}
            answer = litellm.completion(
                model=model, api_base=root + below, api_key=KEY, messages=MESSAGES, tools=[FUNCTION], stream=stream,
                num_retries=0, max_retries=0, **more,
            )
            return chunks(answer) if stream else message(answer)

        return call

    return {
        "chat": api("openai/gpt-4o-mini", "/v1"),
        "messages": api("anthropic/claude-sonnet-4-5-20250929"),
        "gemini": api("gemini/gemini-2.5-flash"),
    }


def langchain_sdk():
    from langchain_anthropic import ChatAnthropic
    from langchain_google_genai import ChatGoogleGenerativeAI
    from langchain_openai import ChatOpenAI

    def api(model):
        def call(root, stream):
            bound = model(root).bind_tools([FUNCTION])
            asked = [("system", SYSTEM), ("user", PROMPT)]
            if not stream:
                answer = bound.invoke(asked)
            else:
                answer = None
                for chunk in bound.stream(asked):
                    answer = chunk if answer is None else answer + chunk
            return {"text": str(answer.text), "calls": [[call["name"], call["args"]] for call in answer.tool_calls]}

        return call

    openai = {"api_key": KEY, "max_retries": 0}
    return {
        "chat": api(lambda root: ChatOpenAI(model="gpt-4o-mini", base_url=root + "/v1", stream_usage=True, **openai)),
        "responses": api(
            lambda root: ChatOpenAI(model="gpt-5", base_url=root + "/v1", use_responses_api=True, **openai)
        ),
        "messages": api(
            lambda root: ChatAnthropic(model="claude-sonnet-4-5-20250929", base_url=root, api_key=KEY, max_retries=0)
        ),
        "gemini": api(
            lambda root: ChatGoogleGenerativeAI(
                model="gemini-2.5-flash", base_url=root, api_key="AIzaTest0123456789", max_retries=1
            )
        ),
    }


def ollama_sdk():
    import ollama

    def chat(root, stream):
        client = ollama.Client(host=root)
        answer = client.chat(model="llama3.2", messages=MESSAGES, tools=[FUNCTION], stream=stream)
        text, calls = "", []
        for piece in answer if stream else [answer]:
            text += piece.message.content or ""
            called = piece.message.tool_calls or []
            calls += [[call.function.name, dict(call.function.arguments)] for call in called]
        return {"text": text, "calls": calls}

    return {"ollama": chat}


def mistral_sdk():
    from mistralai.client import Mistral

    def chat(root, stream):
        client = Mistral(server_url=root, api_key=KEY)
        asked = {"model": "mistral-small-latest", "messages": MESSAGES, "tools": [FUNCTION]}
        if not stream:
            return message(client.chat.complete(**asked))
        return chunks(event.data for event in client.chat.stream(**asked))

    return {"chat": chat}


def cohere_sdk():
    import cohere

    def chat(root, stream):
        client = cohere.ClientV2(base_url=root, api_key=KEY)
        asked = {"model": "command-r-08-2024", "messages": MESSAGES, "tools": [FUNCTION]}
        once = {"request_options": {"max_retries": 0}}
        if not stream:
            said = client.chat(**asked, **once).message
            text = "".join(block.text for block in said.content or [])
            return {"text": text, "calls": [[c.function.name, c.function.arguments] for c in said.tool_calls or []]}
        text, name, arguments = "", None, ""
        for event in client.chat_stream(**asked, **once):
            if event.type == "content-delta":
                text += event.delta.message.content.text
            elif event.type == "tool-call-start":
                name = event.delta.message.tool_calls.function.name
            elif event.type == "tool-call-delta":
                arguments += event.delta.message.tool_calls.function.arguments
        return {"text": text, "calls": [[name, arguments]] if name else []}

    return {"cohere": chat}


def groq_sdk():
    import groq

    def chat(root, stream):
        client = groq.Groq(base_url=root, api_key=KEY, max_retries=0)
        asked = {"model": "openai/gpt-oss-20b", "messages": MESSAGES, "tools": [FUNCTION]}
        answer = client.chat.completions.create(**asked, stream=stream)
        return chunks(answer) if stream else message(answer)

    return {"chat": chat}


SDKS = {
    "openai": openai_sdk, "anthropic": anthropic_sdk, "google-genai": google_sdk, "litellm": litellm_sdk,
    "langchain": langchain_sdk, "ollama": ollama_sdk, "mistralai": mistral_sdk, "cohere": cohere_sdk,
    "groq": groq_sdk,
}

# LiteLLM leaves streams open. Collected while httpcore holds its pool's lock, one waits for that lock for ever.
gc.disable()
apis = SDKS[sys.argv[1]]()
# What was imported stays, and need not be looked through each time.
gc.freeze()
# Libraries print advice; only answers belong there.
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    case = json.loads(line)
    try:
        outcome = apis[case["api"]](case["root"], case["stream"])
    except Exception as error:  # whatever it is, it is what the SDK's user sees
        outcome = {"error": type(error).__name__, "status": getattr(error, "status_code", getattr(error, "code", None))}
        if os.environ.get("LLMFLOW_CLIENTS_VERBOSE"):
            print(type(error).__name__, str(error)[:300], file=sys.stderr)
    print(json.dumps(outcome, ensure_ascii=False, default=str), file=answers, flush=True)
    gc.collect()
