// Between JavaScript and WebAssembly a request and a response go as one text each: to cross that border costs more than to
// read a text.

/** The method, the address, and in a line of its own each header, as `name:value`. */
export function headOf(request) {
  let head = `${request.method} ${request.url}`;
  // An iterator of headers is one of the runtime's: each step of it would cross as well.
  request.headers.forEach((value, name) => {
    head += `\n${name}:${value}`;
  });
  return head;
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
