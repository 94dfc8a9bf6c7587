// The body of an answer that is made as it is read.

/** `next` gives a promise of the next bytes, or of nothing at the end. */
export function pulled(next) {
  const pull = async (controller) => {
    const bytes = await next();
    if (bytes) controller.enqueue(bytes);
    else controller.close();
  };
  return new ReadableStream({ pull }, { highWaterMark: 0 });
}
