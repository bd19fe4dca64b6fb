"""The same as `translation.py` for OpenAI's Responses: one script, four providers, answers that have to agree.

Arguments: which set of cases, the proxy's root, and the prefixes besides `/v1` to go through. Answers go back as
they came: the items of `output` become part of the next `input`.
"""

import json
import sys

import translation
from translation import MODELS, PIXEL, Weather, client, failed, merge, shape

translation.FREE |= {"item_id", "call_id", "created_at", "completed_at", "encrypted_content"}
translation.OWN |= {"store", "service_tier", "metadata", "logprobs", "top_logprobs", "obfuscation", "background", "truncation",
                    "status", "temperature", "top_p", "instructions", "max_output_tokens", "tools", "tool_choice", "text",
                    "reasoning", "snapshot", "user", "encrypted_content"}
translation.UNTOLD |= {(f"/cohere/v1 {case}", "reasoning_tokens") for case in ("reasoning", "reasoning_streamed")}


def tool(name, field):
    schema = {"type": "object", "properties": {field: {"type": "string"}}, "required": [field], "additionalProperties": False}
    return {"type": "function", "name": name, "description": f"Asks for {name}", "parameters": schema, "strict": True}


TOOLS = [tool("get_weather", "city"), tool("get_time", "zone")]


def ask(case):
    return [{"role": "user", "content": [{"type": "input_text", "text": f"case:{case} What is it like in Köln? 🌦"}]}]


def told(response):
    """What is the provider's to tell; what a response repeats of its request is the request's."""
    dumped = response.model_dump(exclude_none=True, warnings=False)
    return {**dumped, "ended": response.status, "text_of_it": response.output_text}


def plain(api, models):
    return told(api.responses.create(
        model=models[0], input=ask("plain"), instructions="Be brief.", temperature=0.5, top_p=0.9, max_output_tokens=500,
        metadata={"a": "b"}, store=False, user="u1",
    ))


def text(api, models):
    return told(api.responses.create(model=models[0], input="case:plain What is it like?"))


def gather(api, **request):
    """A stream's events in their order, how each looks, and the response it ends with."""
    order, shapes = [], {}
    with api.responses.stream(**request) as events:
        for number, event in enumerate(events):
            dumped = event.model_dump(exclude_none=True, warnings=False)
            assert dumped["sequence_number"] == number, dumped
            if order[-1:] != [event.type]:
                order.append(event.type)
            if not event.type.startswith("response.created") and "response" in dumped:
                dumped.pop("response")
            shapes[event.type] = merge(shapes.get(event.type), shape(dumped))
        return {"order": order, "chunks": shapes, "final": told(events.get_final_response())}


def stream(api, models):
    return gather(api, model=models[0], input=ask("plain"), instructions="Be brief.")


def tools(api, models):
    """Two tools, one after the other, each with its result, then the answer."""
    items, turns = ask("tools"), []
    for _ in range(5):
        answer = api.responses.create(model=models[0], input=items, tools=TOOLS)
        turns.append(told(answer))
        items += [item.model_dump(exclude_none=True, warnings=False) for item in answer.output]
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return turns
        for call in calls:
            result = json.dumps({"of": json.loads(call.arguments), "is": "fine"})
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": result})
    return {"error": "it calls tools for ever", "turns": turns}


def parallel_streamed(api, models):
    items, turns = ask("parallel"), []
    for _ in range(3):
        turn = gather(api, model=models[0], input=items, tools=TOOLS, tool_choice="auto")
        turns.append(turn)
        output = turn["final"]["output"]
        items += [{key: value for key, value in item.items() if key != "parsed_arguments"} for item in output]
        calls = [item for item in output if item["type"] == "function_call"]
        if not calls:
            return turns
        # In another order than they were asked for.
        for call in reversed(calls):
            items.append({"type": "function_call_output", "call_id": call["call_id"], "output": [{"type": "input_text", "text": "fine"}]})
    return {"error": "it calls tools for ever", "turns": turns}


def image(api, models):
    parts = [{"type": "input_text", "text": "case:plain What is this?"}, {"type": "input_image", "image_url": PIXEL, "detail": "auto"}]
    return told(api.responses.create(model=models[0], input=[{"role": "user", "content": parts}]))


def schema(api, models):
    answer = api.responses.parse(model=models[0], input=ask("schema"), text_format=Weather)
    return {"parsed": answer.output_parsed.model_dump(), "ended": answer.status}


def reasoning(api, models):
    return told(api.responses.create(
        model=models[1], input=ask("reasoning"), reasoning={"effort": "medium", "summary": "auto"}, max_output_tokens=40000,
        include=["reasoning.encrypted_content"],
    ))


def reasoning_streamed(api, models):
    return gather(api, model=models[1], input=ask("reasoning"), reasoning={"effort": "low", "summary": "auto"})


def error(api, models):
    return failed(lambda: api.responses.create(model=models[0], input=ask("error")))


def error_streamed(api, models):
    return failed(lambda: api.responses.create(model=models[0], input=ask("error"), stream=True))


def cancel(api, models):
    """Leaves in the middle of a stream that waits for it."""
    answer = api.responses.create(model=models[0], input=ask("cancel"), stream=True)
    first = next(iter(answer)).type
    answer.close()
    return {"first": first}


def langchain(case):
    """A case that is given LangChain's model, which speaks Responses."""
    def made(api, models):
        from langchain_openai import ChatOpenAI

        return case(ChatOpenAI(model=models[0], base_url=str(api.base_url), api_key=api.api_key, max_retries=0,
                               use_responses_api=True, stream_usage=True, store=False))

    made.__name__ = case.__name__
    return made


@langchain
def lc_invoke(model):
    return translation.told(model.invoke([("system", "Be brief."), ("user", "case:plain Hello")]))


@langchain
def lc_stream(model):
    answer = None
    for chunk in model.stream([("user", "case:plain Hello")]):
        answer = chunk if answer is None else answer + chunk
    return translation.told(answer)


@langchain
def lc_tools(model):
    return translation.lc_loop(model, "tools")


@langchain
def lc_parallel(model):
    return translation.lc_loop(model, "parallel")


@langchain
def lc_schema(model):
    return model.with_structured_output(Weather).invoke("case:schema Hello").model_dump()


LANGCHAIN = [lc_invoke, lc_stream, lc_tools, lc_parallel, lc_schema]
CASES = [plain, text, stream, tools, parallel_streamed, image, schema, reasoning, reasoning_streamed, error, error_streamed,
         cancel]

translation.main({"openai": CASES, "langchain": LANGCHAIN})
