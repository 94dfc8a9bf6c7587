// Which user agents are those of robots: by the list of the package isbot.
//
// That list is for pages: it matches every program. Here programs act for people: an application's server sends its users'
// events, a newcomer tries curl. So what such programs are called is taken out of a user agent before it is judged, and
// patterns that match programs of which nothing is known are left out.
import { createIsbotFromList, list } from "isbot";

/** Programs and libraries that send requests for others, as they call themselves; the last are those with "http" in the name. */
const CLIENTS = `curl libcurl wget node undici node-fetch axios got ky superagent node-superagent deno bun postman postmanruntime
  insomnia bruno python python-requests python-urllib urllib3 requests java kotlin ktor-client openjdk scala restsharp
  rest-client ruby faraday typhoeus php guzzle symfony perl libwww-perl lwp go reqwest hyper ureq dart dalvik cfnetwork
  darwin alamofire elixir erlang hackney powershell windowspowershell cloudflare-workers vercel supabase-js supabase
  [\\w.-]*http(?!s?:)[\\w-]*`;

/** Such a name with its version, and with the address of those two that tell theirs. */
const CLIENT = new RegExp(
  String.raw`(?<![^\s(/])(?:${CLIENTS.replace(/\s+/g, "|")})(?![\w-])(?:/[\w.+~-]*)?` +
    String.raw`(?:\s\(\+?https://github\.com/[\w-]+/(?:node-fetch|got)\))?`,
  "gi",
);

/** Programs of which nothing is known, the last of which may well be a caller. */
const UNKNOWN = ["Example", "Example/1", "Example/1.0", "Example/1.0.0 (Example OS 1.0)", "example-program", "PromptLibrary/1.0"];

let isListed;

function tester() {
  return createIsbotFromList(list.filter((pattern) => !UNKNOWN.some((agent) => new RegExp(pattern, "i").test(agent))));
}

/** Whether this user agent is that of a robot. */
export function isRobot(agent) {
  isListed ??= tester();
  return isListed(agent) && isListed(agent.replace(CLIENT, "").replace("()", ""));
}
