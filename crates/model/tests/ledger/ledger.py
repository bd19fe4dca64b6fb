#!/usr/bin/env python3
"""The independent ledger: what calls must cost, from LiteLLM's table itself and decimal arithmetic.

Nothing of the program's pricing is used. Reads the table named by the first argument, and from standard input one JSON
object a line: a call, and what the program says of it. Says what differs, and exits 1 if anything does.

The rules are written down in docs/prices.md; this file follows that text, not the program's code.
"""

import datetime
import json
import re
import sys
from decimal import ROUND_HALF_EVEN, Decimal, getcontext

getcontext().prec = 80
PICO = Decimal(1).scaleb(-12)
FINEST = Decimal(1).scaleb(-24)

LOCAL = {"ollama", "lmstudio", "vllm", "llama", "llamacpp", "llama.cpp", "sglang", "local"}
BARE = {"", "openai", "anthropic", "cohere", "helicone", "codex"}
PREFIXES = {
    "google": "gemini",
    "vertex": "vertex_ai",
    "together": "together_ai",
    "fireworks": "fireworks_ai",
    "x-ai": "xai",
    "mistralai": "mistral",
}
NEVER_BILLED = {"count_tokens", "models", "side_call"}
BILLED_IF_COUNTED = {"other", "stored", "files", "batches", "moderation"}

NAMES = {
    "input": "input_cost_per_token",
    "read": "cache_read_input_token_cost",
    "write": "cache_creation_input_token_cost",
    "long": r"cache_creation_input_token_cost_above_(?:1hr|12hr)",
    "output": "output_cost_per_token",
    "reasoning": "output_cost_per_reasoning_token",
    "audio": "input_cost_per_audio_token",
    "audio read": "cache_read_input_audio_token_cost",
    "audio out": "output_cost_per_audio_token",
    "image": "input_cost_per_image_token",
    "image read": "cache_read_input_image_token_cost",
    "image out": "output_cost_per_image_token",
    "request": "input_cost_per_request",
    "picture": "output_cost_per_image",
    "second in": "input_cost_per_second",
    "second out": "output_cost_per_second",
    "character": "input_cost_per_character",
    "page": "ocr_cost_per_page",
    "annotated": "annotation_cost_per_page",
    "query": "input_cost_per_query",
    "map": "google_maps_grounding_cost_per_query",
    "file search": "file_search_cost_per_1k_calls",
    "code": "code_interpreter_cost_per_session",
    "web": "web_search_cost_per_query",
}
CLASSES = {"": "", "_flex": "flex", "_priority": "priority", "_batches": "batch", "_ultrafast": "ultrafast", "_balanced": "balanced"}
SUFFIX = r"(?:_above_(?P<above>\d+)k_tokens)?(?P<served>_flex|_priority|_batches|_ultrafast|_balanced)?"
PATTERNS = {kind: re.compile(f"{name}{SUFFIX}$") for kind, name in NAMES.items()}


def finest(value):
    return value.quantize(FINEST, rounding=ROUND_HALF_EVEN)


def number(value, least, most):
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    value = Decimal(value)
    return value if least <= value <= most else None


def rate(value):
    found = number(value, Decimal(0), Decimal(1000))
    return None if found is None else finest(found)


def factor(value):
    found = number(value, Decimal("0.000001"), Decimal(1000))
    return None if found is None else found.quantize(Decimal("0.000001"), rounding=ROUND_HALF_EVEN)


class Row:
    """One price: of what, for prompts above how many tokens, in which class of service."""

    def __init__(self, kind, above, served, dollars):
        self.kind, self.above, self.served, self.dollars = kind, above, served, dollars


def row(name, value, above=None):
    for kind, pattern in PATTERNS.items():
        found = pattern.match(name)
        if found:
            dollars = rate(value)
            if dollars is None:
                return None
            if kind == "file search":
                dollars = finest(dollars / 1000)
            size = int(found["above"] or 0) * 1000 if above is None else above
            return Row(kind, size, CLASSES[found["served"] or ""], dollars)
    return None


def rows(entry):
    found = []
    for name, value in entry.items():
        if name == "tiered_pricing" and isinstance(value, list):
            for tier in value:
                if isinstance(tier, dict) and tier.get("range"):
                    size = int(tier["range"][0])
                    found += [row(inner, price, size) for inner, price in tier.items()]
        else:
            found.append(row(name, value))
    return [one for one in found if one is not None]


def is_off_peak(pricing, at_ms):
    ahead = {None: 0, "Asia/Shanghai": 8}.get(pricing.get("weekday_timezone"))
    if ahead is None:
        return False
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    moment = epoch + datetime.timedelta(milliseconds=at_ms)
    day = (moment + datetime.timedelta(hours=ahead)).isoweekday()
    minute = moment.hour * 60 + moment.minute
    for window in pricing.get("windows", []):
        days, hours = window.get("weekdays"), window.get("hours_utc", [])
        if days and day not in days:
            continue
        for span in [hours] if isinstance(hours, str) else hours:
            begin, end = (int(part[:2]) * 60 + int(part[3:]) for part in span.split("-"))
            if begin <= minute < (end or 24 * 60):
                return True
    return False


# Finding a model's row.


def prefix(provider):
    return None if provider in BARE else PREFIXES.get(provider, provider)


def fine_tune(name):
    found = re.fullmatch(r"ft:([^:]*):.*", name, re.S)
    return f"ft:{found[1]}" if found else None


def spread(name):
    head, dot, rest = name.partition(".")
    wide = {"us", "us-gov", "eu", "apac", "ap", "jp", "au", "ca", "sa", "global"}
    return rest if dot and head in wide and "." in rest else None


def vendor_named(name):
    vendor, slash, model = name.partition("/")
    known = prefix(vendor) if slash else None
    return f"{known}/{model}" if known and known != vendor else None


def dated(name):
    if name.endswith("-latest"):
        return name[: -len("-latest")]
    found = re.fullmatch(r"(.*)-20\d{6}", name, re.S | re.A) or re.fullmatch(r"(.*)-20\d\d-\d\d-\d\d", name, re.S | re.A)
    return found[1] if found else None


STEPS = [
    ("context_stripped", lambda name: name[:-4] if name.endswith("[1m]") else None),
    ("fine_tune_stripped", fine_tune),
    ("spread_stripped", spread),
    ("vendor_named", vendor_named),
    ("vendor_stripped", lambda name: name.partition("/")[2] if "/" in name else None),
    ("version_spelling", lambda name: name.replace(".", "-") if name.startswith("claude") and "." in name else None),
    ("at_stripped", lambda name: name.partition("@")[0] if "@" in name else None),
    ("dated", dated),
]


def find(table, provider, model):
    name = model.strip().translate({upper: upper + 32 for upper in range(65, 91)})
    name = name[len("models/") :] if name.startswith("models/") else name
    spellings = [(name, "")]
    for word, step in STEPS if len(model.encode()) <= 256 else []:
        for spelling, how in list(spellings):
            simpler = step(spelling)
            if simpler is not None:
                spellings.append((simpler, f"{how}+{word}" if how else word))
    own = prefix(provider)
    for spelling, how in spellings:
        if own is not None and f"{own}/{spelling}" in table:
            return *table[f"{own}/{spelling}"], how or "provider"
        if spelling in table:
            return *table[spelling], how or "exact"
    return None


# What a call costs.


def service(tier):
    tier = (tier or "").lower()
    tier = tier[len("on_demand_") :] if tier.startswith("on_demand_") else tier
    return {"fast": "priority"}.get(tier, tier) if tier in {"fast", *CLASSES.values()} else ""


class Prices:
    def __init__(self, entry, call):
        self.rows = rows(entry)
        off_peak = entry.get("off_peak_pricing")
        if isinstance(off_peak, dict) and is_off_peak(off_peak, call["at_ms"]):
            self.rows += rows(off_peak)
        self.prompt = sum(call["usage"].get(name) or 0 for name in ("input", "cache_read", "cache_write_5m", "cache_write_1h"))
        self.from_on = entry.get("litellm_provider") == "xai"
        self.served = service(call.get("service_tier"))
        special = entry.get("provider_specific_entry") or {}
        self.factors = []
        if (call.get("inference_geo") or "").lower() == "us":
            self.factors.append(factor(special.get("us")))
        if (call.get("speed") or "").lower() == "fast":
            self.factors.append(factor(special.get("fast")))
        region = {
            "us": "regional_processing_uplift_multiplier_us",
            "eu": "regional_processing_uplift_multiplier_eu",
            "vertex": "regional_endpoint_uplift_multiplier",
        }.get(call.get("region"))
        self.factors.append(factor(entry.get(region)))

    def best(self, kind):
        """How special the circumstances are that the price is made for, and the price."""
        best = None
        for one in self.rows:
            crossed = one.above == 0 or self.prompt > one.above or self.from_on and self.prompt == one.above
            if one.kind == kind and crossed and one.served in ("", self.served):
                rank = (one.above, one.served == self.served)
                if best is None or rank >= best[0]:
                    best = (rank, one.dollars)
        return best

    def thinks_apart(self):
        """Reasoning has a price of its own, and none of output is made for more special circumstances."""
        reasoning, output = self.best("reasoning"), self.best("output")
        return reasoning is not None and (output is None or output[0] <= reasoning[0])

    def plain(self, *kinds):
        for kind in kinds:
            best = self.best(kind)
            if best:
                return best[1]
        return None

    def of(self, *kinds):
        dollars = self.plain(*kinds)
        for times in self.factors:
            if dollars is not None and times is not None:
                dollars = finest(dollars * times)
        return dollars


def cost(dollars, count):
    pico = (dollars * count / PICO).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    return min(int(pico), 2**63 - 1)


def split(tokens, sound, pictures):
    sound = min(sound, tokens)
    pictures = min(pictures, tokens - sound)
    return tokens - sound - pictures, sound, pictures


def lines(entry, call):
    """(name, count, pico-dollars) of every bucket, None without a price; and what is missing."""
    prices, usage, units = Prices(entry, call), call["usage"], call.get("units", {})
    sound, pictures = call.get("sound", {}), units.get("pictures", {})
    known = usage_known(usage)
    tokens = {name: usage.get(name) or 0 for name in ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")}
    reasoning = 0
    if usage.get("output") is not None and usage.get("reasoning") is not None and prices.thinks_apart():
        reasoning = min(usage["reasoning"], tokens["output"])
    fresh = split(tokens["input"], sound.get("input", 0), pictures.get("input", 0))
    read = split(tokens["cache_read"], sound.get("cache_read", 0), pictures.get("cache_read", 0))
    drawn = tokens["output"] if units.get("only_pictures") else pictures.get("output", 0)
    written = split(tokens["output"] - reasoning, sound.get("output", 0), drawn)
    wanted = [
        ("input", fresh[0], ("input",)),
        ("cache_read", read[0], ("read", "input")),
        ("cache_write_5m", tokens["cache_write_5m"], ("write", "input")),
        ("cache_write_1h", tokens["cache_write_1h"], ("long", "write", "input")),
        ("output", written[0], ("output",)),
        ("reasoning", reasoning, ("reasoning",)),
        ("audio_input", fresh[1], ("audio", "input")),
        ("audio_cache_read", read[1], ("audio read", "audio", "read", "input")),
        ("audio_output", written[1], ("audio out", "output")),
        ("image_input", fresh[2], ("image", "input")),
        ("image_cache_read", read[2], ("image read", "read", "image", "input")),
        ("image_output", written[2], ("image out", "output")),
    ]
    found, missing = [], []
    for name, count, kinds in wanted:
        if count:
            dollars = prices.of(*kinds)
            if dollars is None:
                return None, []
            found.append((name, count, cost(dollars, count)))
    seconds = [dollars for dollars in (prices.plain("second in"), prices.plain("second out")) if dollars is not None]
    pieces = [
        ("image", "images", prices.plain("picture"), known),
        ("audio_ms", "audio_ms", finest(max(seconds) / 1000) if seconds else None, known),
        ("character", "characters", prices.plain("character"), known),
        ("page", "pages", prices.plain("page"), False),
        ("annotated_page", "annotated_pages", prices.plain("annotated"), False),
        ("query", "queries", prices.plain("query"), known and prices.plain("query") is None),
    ]
    for name, unit, dollars, is_in_tokens in pieces:
        count = units.get(unit, 0)
        if count and not is_in_tokens:
            if dollars is None:
                return None, []
            found.append((name, count, cost(dollars, count)))
    if prices.plain("request") is not None:
        found.append(("request", 1, cost(prices.plain("request"), 1)))
    sizes = entry.get("search_context_cost_per_query")
    sizes = sizes if isinstance(sizes, dict) else {}
    sizes = {size: rate(sizes.get(f"search_context_size_{size}")) for size in ("low", "medium", "high")}
    provider = str(entry.get("litellm_provider"))
    google = provider == "gemini" or provider.startswith("vertex_ai")
    once = google and entry.get("web_search_billing_unit") != "per_query" and any(size is not None for size in sizes.values())
    search = sizes[units.get("search_size", "medium")]
    search = search if search is not None else sizes["medium"]
    searches = units.get("web_searches", 0)
    for name, count, dollars in [
        ("web_search", min(searches, 1) if once else searches, search),
        ("map_search", units.get("map_searches", 0), prices.plain("map")),
        ("file_search", units.get("file_searches", 0), prices.plain("file search")),
        ("code_session", units.get("code_sessions", 0), prices.plain("code")),
    ]:
        if count and dollars is None:
            missing.append(name)
        elif count:
            found.append((name, count, cost(dollars, count)))
    return (found if found or prices.rows else None), missing


def usage_known(usage):
    return any(usage.get(name) is not None for name in ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output"))


def is_counted(call):
    alone = any(call.get("units", {}).get(unit) for unit in ("images", "audio_ms", "characters", "pages", "queries"))
    return usage_known(call["usage"]) or alone


def is_free(call):
    failed = (call.get("status") or 0) >= 400
    return failed or call["operation"] in NEVER_BILLED or call["operation"] in BILLED_IF_COUNTED and not is_counted(call)


def expected(table, call):
    """What must be said of a call: total, source, equivalent, key, rule, buckets."""
    usage, counted = call["usage"], is_counted(call)
    nothing = {"total": None, "equivalent": None, "key": None, "matched": None, "buckets": []}
    whole = call["usage_source"] == "provider"
    if call.get("charged") is not None:
        answer = {**nothing, "total": call["charged"], "source": "provider" if whole else "partial"}
    elif is_free(call):
        return {**nothing, "total": 0, "source": "not_billed"}
    elif call["provider"] in LOCAL:
        answer = {**nothing, "source": "local"}
    else:
        answer = {**nothing, "source": "unknown"}
        found = find(table, call["provider"], call["model"]) if counted and call.get("model") is not None else None
        if found:
            key, entry, matched = found
            buckets, missing = lines(entry, call)
            answer.update(key=key, matched=matched)
            if buckets is not None:
                ended = (whole or not usage_known(usage)) and not missing
                source = "computed" if ended else "partial"
                source = "estimated" if call["usage_source"] == "estimated" else source
                answer.update(total=min(sum(line[2] for line in buckets), 2**63 - 1), source=source, buckets=buckets)
    if call.get("subscription"):
        answer.update(equivalent=answer["total"], total=0, source="subscription")
    return answer


def saved(table, call):
    """What the prompt cache saved, less the premium for writing."""
    usage = call["usage"]
    cached = sum(usage.get(name) or 0 for name in ("cache_read", "cache_write_5m", "cache_write_1h"))
    if is_free(call) or call.get("subscription") or call["provider"] in LOCAL or not cached and usage_known(usage):
        return 0
    found = find(table, call["provider"], call["model"]) if cached and call.get("model") is not None else None
    if not found:
        return None
    prices = Prices(found[1], call)
    sound, pictures = call.get("sound", {}), call.get("units", {}).get("pictures", {})
    read = split(usage.get("cache_read") or 0, sound.get("cache_read", 0), pictures.get("cache_read", 0))
    sum_saved = 0
    for count, kinds, uncached in [
        (read[0], ("read", "input"), ("input",)),
        (read[1], ("audio read", "audio", "read", "input"), ("audio", "input")),
        (read[2], ("image read", "read", "image", "input"), ("image", "input")),
        (usage.get("cache_write_5m") or 0, ("write", "input"), ("input",)),
        (usage.get("cache_write_1h") or 0, ("long", "write", "input"), ("input",)),
    ]:
        if count:
            paid, plain = prices.of(*kinds), prices.of(*uncached)
            if paid is None or plain is None:
                return None
            sum_saved += cost(plain, count) - cost(paid, count)
    return sum_saved


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        entries = json.load(file, parse_float=Decimal)
    del entries["sample_spec"]
    table = {}
    for key, entry in entries.items():
        table.setdefault(key.translate({upper: upper + 32 for upper in range(65, 91)}), (key, entry))
    checked, sources, buckets, wrong = {}, {}, {}, 0
    for text in sys.stdin:
        line = json.loads(text)
        call, said = line["call"], line["said"]
        must = expected(table, call)
        must["saved"] = saved(table, call)
        must["buckets"] = [list(bucket) for bucket in must["buckets"]]
        if line.get("dollars") is not None:
            by_hand = int(Decimal(line["dollars"]) / PICO)
            must["total" if not call.get("subscription") else "equivalent"] = by_hand
        differ = {name: (value, said.get(name)) for name, value in must.items() if said.get(name) != value}
        if differ:
            wrong += 1
            if wrong <= 20:
                print(f"{line['name']}: {json.dumps(call)}")
                for name, (ours, theirs) in differ.items():
                    print(f"    {name}: by the ledger {ours!r}, by the program {theirs!r}")
        checked[line["kind"]] = checked.get(line["kind"], 0) + 1
        sources[must["source"]] = sources.get(must["source"], 0) + 1
        for bucket in must["buckets"]:
            buckets[bucket[0]] = buckets.get(bucket[0], 0) + 1
    print(json.dumps({"checked": checked, "wrong": wrong, "sources": sources, "buckets": buckets}))
    sys.exit(1 if wrong else 0)


main()
