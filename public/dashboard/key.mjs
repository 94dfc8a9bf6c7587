// The service's key: asked for once, kept until the tab is closed or it is to be forgotten.
import { connection } from "./api.mjs";
import { element, heading } from "./elements.mjs";

const NAME = "promptmeter-service-key";
/** A route that is the service's alone, and costs nothing. */
const PROOF = "/v1/admin/metrics";

export const storedKey = () => sessionStorage.getItem(NAME);
export const forgetKey = () => sessionStorage.removeItem(NAME);

/** What there is to say against a key; nothing if it is the service's. */
async function objection(key) {
  try {
    await connection(key).get(PROOF);
    return null;
  } catch (error) {
    return [401, 403].includes(error.status)
      ? "This is not the service key of this instance."
      : `The key could not be tried: ${error.message}`;
  }
}

/** A form that asks for the key and calls `entered` once there is the right one. */
export function keyForm(entered, message = "") {
  const input = element("input", {
    type: "password",
    name: "key",
    required: true,
    autocomplete: "off",
    "aria-describedby": "key-problem",
  });
  const problem = element("p", { id: "key-problem", role: "alert" }, message);
  const show = (text) => {
    problem.textContent = text;
    problem.className = text ? "problem" : "";
  };
  const submit = async (event) => {
    event.preventDefault();
    // A header takes no line breaks, and they come with what is pasted.
    const key = input.value.trim();
    const wrong = /^[\x21-\x7e]+$/.test(key)
      ? await objection(key)
      : "A key has letters, digits and signs of ASCII, and no spaces.";
    show(wrong ?? "");
    input.setAttribute("aria-invalid", String(wrong !== null));
    if (wrong !== null) return input.focus();
    sessionStorage.setItem(NAME, key);
    entered();
  };
  show(message);
  return element(
    "section",
    {},
    heading("Dashboard"),
    element("p", {}, "It asks the API as the service. The key stays in this tab, until the tab is closed or you forget it."),
    element("form", { on: { submit } }, element("label", {}, "Service key", input), element("button", {}, "Open")),
    problem,
  );
}
