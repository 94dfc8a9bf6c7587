// The button that says of a template that the reader likes it, and takes that back.
import { Failure, ask } from "./api.mjs";
import { watchCounts } from "./counts.mjs";
import { element, say, told } from "./element.mjs";
import { isLiked } from "./prompts.mjs";
import { asUser, credential, userOf } from "./session.mjs";

/** The button, pressed if the reader likes the template. */
export async function liker(template_id) {
  const isPressed = (await credential()) ? await isLiked(template_id).catch(() => false) : false;
  const button = element("button", { type: "button", "aria-pressed": String(isPressed) }, "Like");
  button.addEventListener(
    "click",
    told(async () => {
      const isLikedNow = button.getAttribute("aria-pressed") !== "true";
      const change = (token) => (isLikedNow ? like : unlike)(token, template_id);
      if (!(await asUser("A like is somebody's, and counts once.", change))) return;
      button.setAttribute("aria-pressed", String(isLikedNow));
      say(isLikedNow ? "You like this prompt." : "You do not like this prompt any more.");
      await watchCounts();
    }),
  );
  return button;
}

const like = (credential, template_id) =>
  ask("/rest/v1/rpc/increment_likes_count", { method: "POST", credential, body: { template_id } });

/** Takes back the like of this user alone, whatever else the token may do. */
function unlike(credential, template_id) {
  const user = userOf(credential);
  if (!user) throw new Failure("This is nobody's token.", { status: 401 });
  return ask(`/rest/v1/template_likes?template_id=eq.${template_id}&user_id=eq.${user}`, { method: "DELETE", credential });
}
