"""One script for four providers: the OpenAI SDK, or LangChain, makes the same calls to each, and what its user gets has to
agree.

The first argument is `openai` or `langchain`, the second the proxy's root; further ones name the prefixes besides `/v1` to go through. A marker in each
prompt (`case:NAME`) tells the mock behind the proxy what to answer. Prints one JSON document: what differs from `/v1`,
field by field, and how many answers were compared. Leaves out retries: one call is one request.
"""

import json
import sys

import openai
import pydantic

MODELS = {
    "/v1": ("gpt-4o-mini", "gpt-5"),
    "/anthropic/v1": ("claude-sonnet-4-5", "claude-opus-4-6"),
    "/gemini/v1": ("gemini-2.5-flash", "gemini-2.5-pro"),
    "/cohere/v1": ("command-a-03-2025", "command-a-reasoning-08-2025"),
}
# What only one side says, without a meaning that the other lacks.
OWN = {"service_tier", "system_fingerprint", "reasoning_details", "extra_content", "cache_write_tokens", "audio_tokens",
       "accepted_prediction_tokens", "rejected_prediction_tokens", "annotations", "obfuscation", "cache_creation"}
# What a provider does not tell.
UNTOLD = {(f"/cohere/v1 {case}", "reasoning_tokens") for case in ("reasoning", "reasoning_streamed")}
# Values that each provider makes for itself.
FREE = {"id", "created", "model"}
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def tool(name, field):
    schema = {"type": "object", "properties": {field: {"type": "string"}}, "required": [field], "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": f"Asks for {name}", "parameters": schema}}


TOOLS = [tool("get_weather", "city"), tool("get_time", "zone")]


class Weather(pydantic.BaseModel):
    city: str
    degrees: int


def client(root, prefix):
    return openai.OpenAI(base_url=root + prefix, api_key="sk-test-0123456789abcdef", max_retries=0)


def ask(case, system="Be brief."):
    return [{"role": "system", "content": system}, {"role": "user", "content": f"case:{case} What is it like in Köln? 🌦"}]


def chat(api, models):
    return api.chat.completions.create(
        model=models[0], messages=ask("plain"), temperature=0.5, top_p=0.9, max_tokens=500, stop=["END"], user="u1",
        metadata={"a": "b"}, store=False,
    ).model_dump()


def gather(stream):
    """A stream's chunks, and the message that they add up to."""
    said = {"role": None, "content": "", "reasoning_content": "", "tool_calls": {}, "finish_reason": None, "usage": None}
    shapes = []
    for chunk in stream:
        dumped = chunk.model_dump()
        shapes.append(dumped)
        said["usage"] = dumped["usage"] or said["usage"]
        for choice in dumped["choices"]:
            delta = choice["delta"]
            said["role"] = delta["role"] or said["role"]
            said["content"] += delta["content"] or ""
            said["reasoning_content"] += delta.get("reasoning_content") or ""
            said["finish_reason"] = choice["finish_reason"] or said["finish_reason"]
            for call in delta["tool_calls"] or []:
                held = said["tool_calls"].setdefault(call["index"], {"id": None, "name": None, "arguments": ""})
                held["id"] = call["id"] or held["id"]
                held["name"] = call["function"]["name"] or held["name"]
                held["arguments"] += call["function"]["arguments"] or ""
    said["tool_calls"] = [said["tool_calls"][index] for index in sorted(said["tool_calls"])]
    chunk = {}
    for dumped in shapes:
        chunk = merge(chunk, shape(dumped))
    return {"said": said, "chunk": chunk}


def stream(api, models):
    return gather(api.chat.completions.create(
        model=models[0], messages=ask("plain"), stream=True, stream_options={"include_usage": True},
    ))


def tools(api, models):
    """Two tools, one after the other, each with its result, then the answer."""
    messages, turns = ask("tools"), []
    for _ in range(5):
        answer = api.chat.completions.create(model=models[0], messages=messages, tools=TOOLS)
        turns.append(answer.model_dump())
        message = answer.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return turns
        for call in message.tool_calls:
            result = json.dumps({"of": json.loads(call.function.arguments), "is": "fine"})
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return {"error": "it calls tools for ever", "turns": turns}


def tools_streamed(api, models):
    messages, turns = ask("tools"), []
    for _ in range(5):
        turn = gather(api.chat.completions.create(model=models[0], messages=messages, tools=TOOLS, stream=True))
        turns.append(turn)
        calls = turn["said"]["tool_calls"]
        said = {"role": "assistant", "content": turn["said"]["content"] or None}
        if calls:
            said["tool_calls"] = [
                {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}} for c in calls
            ]
        messages.append(said)
        if not calls:
            return turns
        messages += [{"role": "tool", "tool_call_id": c["id"], "content": [{"type": "text", "text": "fine"}]} for c in calls]
    return {"error": "it calls tools for ever", "turns": turns}


def parallel(api, models):
    messages, turns = ask("parallel"), []
    for _ in range(3):
        answer = api.chat.completions.create(model=models[0], messages=messages, tools=TOOLS, tool_choice="auto")
        turns.append(answer.model_dump())
        message = answer.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return turns
        # In another order than they were asked for.
        for call in reversed(message.tool_calls):
            messages.append({"role": "tool", "tool_call_id": call.id, "content": f"{call.function.name} is fine"})
        messages.append({"role": "user", "content": "case:parallel And now?"})
    return {"error": "it calls tools for ever", "turns": turns}


def parallel_streamed(api, models):
    return gather(api.chat.completions.create(
        model=models[0], messages=ask("parallel"), tools=TOOLS, tool_choice="required", stream=True,
        stream_options={"include_usage": True},
    ))


def image(api, models):
    parts = [{"type": "text", "text": "case:plain What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    return api.chat.completions.create(model=models[0], messages=[{"role": "user", "content": parts}]).model_dump()


def schema(api, models):
    answer = api.chat.completions.parse(model=models[0], messages=ask("schema"), response_format=Weather)
    message = answer.choices[0].message
    return {"parsed": message.parsed.model_dump(), "finish_reason": answer.choices[0].finish_reason}


def reasoning(api, models):
    return api.chat.completions.create(
        model=models[1], messages=ask("reasoning"), reasoning_effort="medium", max_completion_tokens=4000,
    ).model_dump()


def reasoning_streamed(api, models):
    return gather(api.chat.completions.create(
        model=models[1], messages=ask("reasoning"), reasoning_effort="low", stream=True,
        stream_options={"include_usage": True},
    ))


def failed(make):
    try:
        make()
    except openai.APIError as error:
        body = error.body if isinstance(error.body, dict) else {"text": str(error.body)}
        status = getattr(error, "status_code", None)
        return {"class": type(error).__name__, "status": status, "fields": sorted(body), "said": "message" in body}
    return {"class": None}


def error(api, models):
    return failed(lambda: api.chat.completions.create(model=models[0], messages=ask("error")))


def error_streamed(api, models):
    return failed(lambda: api.chat.completions.create(model=models[0], messages=ask("error"), stream=True))


def error_midway(api, models):
    def make():
        for _ in api.chat.completions.create(model=models[0], messages=ask("midway"), stream=True):
            pass

    return failed(make)


def cancel(api, models):
    """Leaves in the middle of a stream that waits for it."""
    answer = api.chat.completions.create(model=models[0], messages=ask("cancel"), stream=True)
    read = 0
    for chunk in answer:
        read += bool(chunk.choices)
        if read == 2:
            break
    answer.close()
    return {"read": read}


def langchain(case):
    """A case that is given LangChain's model instead of the SDK's client."""
    def made(api, models):
        from langchain_openai import ChatOpenAI

        return case(ChatOpenAI(model=models[0], base_url=str(api.base_url), api_key=api.api_key, max_retries=0,
                               stream_usage=True))

    made.__name__ = case.__name__
    return made


def told(message):
    return {"text": str(message.text), "calls": [[call["name"], call["args"]] for call in message.tool_calls],
            "usage": message.usage_metadata, "finish": message.response_metadata.get("finish_reason")}


@langchain
def lc_invoke(model):
    return told(model.invoke([("system", "Be brief."), ("user", "case:plain Hello")]))


@langchain
def lc_stream(model):
    answer = None
    for chunk in model.stream([("user", "case:plain Hello")]):
        answer = chunk if answer is None else answer + chunk
    return told(answer)


def lc_loop(model, name):
    from langchain_core.messages import HumanMessage, ToolMessage

    bound, messages, turns = model.bind_tools(TOOLS), [HumanMessage(f"case:{name} Hello")], []
    for _ in range(5):
        answer = bound.invoke(messages)
        turns.append(told(answer))
        messages.append(answer)
        if not answer.tool_calls:
            return turns
        messages += [ToolMessage(f"{call['name']} is fine", tool_call_id=call["id"]) for call in answer.tool_calls]
    return {"error": "it calls tools for ever", "turns": turns}


@langchain
def lc_tools(model):
    return lc_loop(model, "tools")


@langchain
def lc_parallel(model):
    return lc_loop(model, "parallel")


@langchain
def lc_schema(model):
    return model.with_structured_output(Weather).invoke("case:schema Hello").model_dump()


@langchain
def lc_image(model):
    from langchain_core.messages import HumanMessage

    parts = [{"type": "text", "text": "case:plain Hello"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    return told(model.invoke([HumanMessage(parts)]))


LANGCHAIN = [lc_invoke, lc_stream, lc_tools, lc_parallel, lc_schema, lc_image]
CASES = [chat, stream, tools, tools_streamed, parallel, parallel_streamed, image, schema, reasoning, reasoning_streamed,
         error, error_streamed, error_midway, cancel]


def shape(value):
    """What a value looks like: what is null is not there, and a list's elements look alike."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items() if v is not None and k not in OWN}
    if isinstance(value, list):
        merged = None
        for element in value:
            merged = merge(merged, shape(element))
        return [] if merged is None else [merged]
    return type(value).__name__


def merge(one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        return {k: merge(one.get(k), other.get(k)) for k in one.keys() | other.keys()}
    if isinstance(one, list) and isinstance(other, list):
        return [merge(a, b) for a, b in zip(one, other)] or one or other
    return other if one is None else one


def differences(case, path, expected, found, out):
    """Fields, their types, and the values that the mock gives to all."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            if key in OWN or (case, key) in UNTOLD or (expected.get(key) is None and found.get(key) is None):
                continue
            if key in FREE:
                if type(expected.get(key)) is not type(found.get(key)):
                    out.append(f"{case}{path}.{key}: {expected.get(key)!r} is {found.get(key)!r}")
                continue
            differences(case, f"{path}.{key}", expected.get(key), found.get(key), out)
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            out.append(f"{case}{path}: {len(expected)} elements are {len(found)}")
        for index, (a, b) in enumerate(zip(expected, found)):
            differences(case, f"{path}[{index}]", a, b, out)
    elif path.endswith(".arguments") and ".chunk" not in path and isinstance(expected, str) and isinstance(found, str):
        if json.loads(expected or "{}") != json.loads(found or "{}"):
            out.append(f"{case}{path}: {expected!r} is {found!r}")
    elif expected != found:
        out.append(f"{case}{path}: {expected!r} is {found!r}")


def main(sets):
    root, prefixes = sys.argv[2], sys.argv[3:]
    cases = sets[sys.argv[1]]
    found, compared = [], 0
    first = {case.__name__: case(client(root, "/v1"), MODELS["/v1"]) for case in cases}
    for prefix in prefixes:
        for case in cases:
            try:
                result = case(client(root, prefix), MODELS[prefix])
            except Exception as problem:
                found.append(f"{prefix} {case.__name__}: {type(problem).__name__}: {problem}")
                continue
            compared += 1
            differences(f"{prefix} {case.__name__}", "", first[case.__name__], result, found)
    print(json.dumps({"cases": len(cases), "compared": compared, "differences": found}, ensure_ascii=False))


if __name__ == "__main__":
    main({"openai": CASES, "langchain": LANGCHAIN})
