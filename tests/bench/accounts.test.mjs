// Which values a counter may tell: each view one of its own, higher than all that were told before it was sent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Accounts, compare } from "../../bench/counting/accounts.mjs";

/** `tellings` are `[prompt, value, floor]`. */
const check = (what, tellings, wrong) =>
  test(what, () => {
    const accounts = new Accounts(2);
    for (const telling of tellings) accounts.tell(...telling);
    assert.equal(accounts.wrong, wrong);
  });

check("one after another", [[0, 1, 0], [0, 2, 1], [0, 3, 2]], 0);
check("of views that were on their way together, in any order", [[0, 3, 0], [0, 1, 0], [0, 2, 0]], 0);
check("the same of two that were on their way together", [[0, 1, 0], [0, 1, 0]], 1);
check("the same of two prompts", [[0, 1, 0], [1, 1, 0]], 0);
check("one that was passed when the view was sent", [[0, 5, 0], [0, 4, 5]], 1);
check("none", [[0, NaN, 0], [0, 1.5, 0], [0, 1, 0]], 2);

test("an event whose fate nobody knows may be stored or not", () => {
  const told = { acknowledged: [10, 10, 10, 10, 10], unknown: [2, 2, 2, 2, 0], highest: [0, 0, 0, 0, 12] };
  assert.deepEqual(compare(told, [9, 10, 12, 13, 11]), { lost: 1, doubled: 2, ahead: 1 });
});

test("what is lost of one prompt does not make up for what is doubled of another", () => {
  assert.deepEqual(compare({ acknowledged: [5, 5], unknown: [0, 0], highest: [0, 0] }, [4, 6]), { lost: 1, doubled: 1, ahead: 0 });
});
