// Asks for a key or a token. What is typed goes to the attempt that needs it, and nowhere else.

const part = (name) => document.getElementById(`question-${name}`);

/**
 * Asks until `attempt` succeeds with the answer, and gives what that gives; undefined if the reader cancels. Why an
 * attempt failed is told in the dialog.
 */
export function askFor({ title, why, label, attempt }) {
  const dialog = document.getElementById("question");
  const form = dialog.querySelector("form");
  const answer = part("answer");
  part("title").textContent = title;
  part("why").textContent = why;
  part("label").textContent = label;
  part("failure").textContent = "";
  answer.value = "";

  return new Promise((resolve) => {
    let result;
    form.onsubmit = async (event) => {
      event.preventDefault();
      if (form.ariaBusy === "true") return;
      form.ariaBusy = "true";
      part("failure").textContent = "";
      try {
        result = await attempt(answer.value.trim());
        dialog.close();
      } catch (failure) {
        part("failure").textContent = failure.message;
        answer.select();
      } finally {
        form.ariaBusy = null;
      }
    };
    form.querySelector("[value=cancel]").onclick = () => dialog.close();
    dialog.onclose = () => {
      answer.value = "";
      resolve(result);
    };
    dialog.showModal();
  });
}
