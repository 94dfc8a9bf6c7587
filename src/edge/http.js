// Between JavaScript and WebAssembly a request and a response go as one text each: to cross that border costs more than to
// read a text.

/**
 * `head`: the method, the address, and in a line of its own each header, as `name:value`. `bodyBytes`: how long the body is, if
 * that is known before it is read: of one that comes in chunks the runtime drops the length.
 */
export function headOf(request) {
  let bodyBytes = NaN;
  let head = `${request.method} ${request.url}`;
  // An iterator of headers is one of the runtime's: each step of it would cross as well.
  request.headers.forEach((value, name) => {
    head += `\n${name}:${value}`;
    if (name === "content-length") bodyBytes = Number(value);
  });
  return { head, bodyBytes };
}

/** A response; `lines` are its headers, as `name:value`. */
export function responseOf(status, lines, body) {
  const headers = {};
  for (const line of lines.split("\n")) {
    const end = line.indexOf(":");
    const [name, value] = [line.slice(0, end), line.slice(end + 1)];
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return new Response(body ?? null, { status, headers });
}
