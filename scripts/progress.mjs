// One line that moves while a script works; in a log, a line every few seconds.

const LOG_EVERY_MS = 5000;

/** Reports how many `things` were `done` ("imported", "prompts"), of `total` where that is known. */
export function progress(done, things, total) {
  const started = performance.now();
  let count = 0;
  let logged = started;

  function line() {
    const seconds = (performance.now() - started) / 1000;
    const part = total ? ` of ${total}` : "";
    return `${done} ${count}${part} ${things}, ${seconds.toFixed(1)} s, ${Math.round(count / seconds)}/s`;
  }

  return {
    add(more) {
      count += more;
      if (process.stdout.isTTY) {
        process.stdout.write(`\r${line()} `);
      } else if (performance.now() - logged > LOG_EVERY_MS) {
        logged = performance.now();
        console.log(line());
      }
    },
    end() {
      console.log(`${process.stdout.isTTY ? "\r" : ""}${line()}`);
    },
  };
}
