"""Amazon Bedrock with Amazon's own library, in three modes.

`calls ROOT`: makes calls with boto3 to the address ROOT and prints what its user sees of each, one line each.
`generate COUNT`: prints requests, one line of JSON each, of every shape that ids, queries, headers and bodies may have.
`verify ID SECRET`: reads requests as they arrived, one line of JSON each, has botocore sign each anew with the same
credentials at the same moment, and prints how many signatures it agrees with, and the first it does not.
"""

import base64
import json
import random
import string
import sys

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "eu.amazon.nova-lite-v1:0"
PROMPT = "What is the weather in Köln? 🌦"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def calls(root):
    import boto3
    import botocore.exceptions
    from botocore.config import Config

    client = boto3.client(
        "bedrock-runtime",
        region_name="us-west-2",
        endpoint_url=root,
        aws_access_key_id="AKIABOTOBOTOBOTO0001",
        aws_secret_access_key="boto-secret",
        aws_session_token="boto-session",
        config=Config(retries={"total_max_attempts": 1}),
    )
    asked = json.dumps(
        {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 100,
            "messages": [{"role": "user", "content": PROMPT}],
            "tools": [{"name": "get_weather", "input_schema": SCHEMA}],
        }
    )
    turn = [{"role": "user", "content": [{"text": PROMPT}]}]
    tools = {"tools": [{"toolSpec": {"name": "get_weather", "inputSchema": {"json": SCHEMA}}}]}

    def invoke():
        answer = client.invoke_model(modelId=MODEL, body=asked, trace="ENABLED")
        return [answer["contentType"], json.loads(answer["body"].read())]

    def invoke_stream():
        answer = client.invoke_model_with_response_stream(modelId=MODEL, body=asked)
        return [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]

    def converse():
        answer = client.converse(modelId=NOVA, messages=turn, toolConfig=tools)
        return [answer["output"], answer["stopReason"], answer["usage"]]

    def converse_stream():
        return list(client.converse_stream(modelId=NOVA, messages=turn, toolConfig=tools)["stream"])

    for call in (invoke, invoke_stream, converse, converse_stream):
        try:
            said = call()
        except botocore.exceptions.ClientError as error:
            said = ["error", error.response["Error"]]
        except (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError) as error:
            said = ["broken", type(error).__name__]
        except Exception as error:  # What botocore raises for a frame is its parser's own.
            said = ["raised", type(error).__name__]
        print(json.dumps([call.__name__, said], sort_keys=True, default=str), flush=True)


def generate(count):
    chance = random.Random(20261121)
    pick = chance.choice

    def word(letters, most):
        return "".join(pick(letters) for _ in range(chance.randint(1, most)))

    def escaped(text, keep):
        return "".join(c if c in keep else "".join(f"%{b:02X}" for b in c.encode()) for c in text)

    plain = string.ascii_letters + string.digits + "-_.~"
    for _ in range(count):
        maker = pick(["anthropic", "amazon", "meta", "mistral", "cohere", "deepseek"])
        ident = pick(["", "us.", "eu.", "apac.", "global."]) + f"{maker}.{word(string.ascii_lowercase + string.digits + '-.', 24)}-v{chance.randint(1, 3)}:{chance.randint(0, 9)}"
        if chance.random() < 0.3:
            kind = pick(["foundation-model", "inference-profile", "application-inference-profile", "provisioned-model"])
            region = pick(["us-east-1", "eu-central-1", "ap-southeast-2", "us-gov-west-1", "cn-north-1"])
            ident = f"arn:aws:bedrock:{region}:{chance.randint(10**11, 10**12 - 1)}:{kind}/{ident}"
        # A colon, bare or escaped; everything else that must be escaped is.
        ident = escaped(ident, plain + pick([":", "", ":", ":@!$&'()*,;="]))
        verb = pick(["invoke", "invoke-with-response-stream", "converse", "converse-stream", "count-tokens"])
        method, path = ("POST", f"/model/{ident}/{verb}") if chance.random() < 0.9 else ("GET", "/inference-profiles")
        query = []
        for _ in range(chance.randint(0, 4) if chance.random() < 0.5 else 0):
            value = escaped(word(plain + " +/=&ü漢🚲%", 12), plain)
            query.append(pick(["typeEquals", "maxResults", "nextToken", "a", "A", "x-y"]) + "=" + value)
        headers = [["Content-Type", pick(["application/json", "application/json; charset=utf-8", "application/x-amz-json-1.1"])]]
        for name in ["anthropic-beta", "X-Amzn-Bedrock-Trace", "x-amzn-bedrock-guardrailidentifier", "Accept", "User-Agent", "x-odd"]:
            if chance.random() < 0.4:
                blanks = pick(["", " ", "  "])
                headers.append([name, blanks + word(plain + " ,;/", 30).strip() + blanks or "x"])
        body = b"" if method == "GET" else bytes(chance.randrange(256) for _ in range(chance.choice([0, 1, 17, 400, 5000])))
        target = path + ("?" + "&".join(query) if query else "")
        print(json.dumps({"method": method, "target": target, "headers": headers, "body": base64.b64encode(body).decode()}))


def verify(ident, secret):
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    agreed, first = 0, None
    for line in sys.stdin:
        arrived = json.loads(line)
        headers = {}
        for name, value in arrived["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        fields = dict(part.strip().split("=", 1) for part in headers["authorization"][0].split(" ", 1)[1].split(","))
        key, _, region, service, _ = fields["Credential"].split("/")
        signed = fields["SignedHeaders"].split(";")
        request = AWSRequest(
            method=arrived["method"],
            url="http://" + headers["host"][0] + arrived["target"],
            data=base64.b64decode(arrived["body"]),
        )
        for name in signed:
            for value in headers[name]:
                request.headers.add_header(name, value)
        request.context["timestamp"] = headers["x-amz-date"][0]
        auth = SigV4Auth(Credentials(ident, secret), service, region)
        canonical = auth.canonical_request(request)
        signature = auth.signature(auth.string_to_sign(request, canonical), request)
        if (key, signature) == (ident, fields["Signature"]):
            agreed += 1
        elif first is None:
            first = {"target": arrived["target"], "canonical": canonical, "sent": headers["authorization"]}
    print(json.dumps({"agreed": agreed, "first": first}))


if __name__ == "__main__":
    mode, *arguments = sys.argv[1:]
    {"calls": calls, "generate": lambda count: generate(int(count)), "verify": verify}[mode](*arguments)
