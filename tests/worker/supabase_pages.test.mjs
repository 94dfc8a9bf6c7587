// Pages of the prompts that somebody may see, through an unmodified Supabase client: each prompt is on one of them.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { library, rowsOf } from "./library.mjs";

const { anonymous, known, seed, service } = await library();
const [owner, other] = await known(2);
const SIZE = 7;

const made = (user, number) => ({
  id: randomUUID(),
  user_id: user.id,
  title: `A page's ${String(number).padStart(2, "0")}${user === owner ? "" : "!"}`,
  template: "t",
  is_public: number % 2 === 0,
  is_active: number % 7 > 0,
  category: number % 5 > 0 ? null : `${number % 3}`,
  // Many at once, so that their order is not all that there is to go by.
  created_at: `2024-03-0${1 + (number % 3)}T12:00:00.000000+00:00`,
});
const prompts = [owner, other].flatMap((user) => Array.from({ length: 20 }, (_, number) => made(user, number)));
await seed("prompts", prompts);
await seed("prompt_answers", prompts.map(({ id }) => ({ prompt_id: id, question: "?", answer: id, position: 0 })));

const isListed = ({ is_public, is_active }) => is_public && is_active;
const READERS = [
  ["nobody", anonymous, isListed],
  ["a user", owner, (row) => isListed(row) || row.user_id === owner.id],
  ["the service", service, () => true],
];
const text = (value) => value ?? "";
const ORDERS = [
  ["the newest first", "created_at", (query) => query.order("created_at", { ascending: false }), () => true],
  ["by title", "title", (query) => query.order("title"), () => true],
  ["by a column that may be null", "category", (query) => query.order("category", { nullsFirst: true }), () => true],
  ["with words in any case", "created_at", (query) => query.ilike("title", "%PAGE'S 1%").order("created_at"), ({ title }) => title.includes("'s 1")],
];

describe("each prompt is on one page", () => {
  for (const [order, column, ordered, isMeant] of ORDERS) {
    for (const [who, client, mayRead] of READERS) {
      test(`${order}, to ${who}`, async () => {
        const found = [];
        for (let first = 0; first <= prompts.length; first += SIZE) {
          const query = client.from("prompts").select(`id,${column},prompt_answers(answer)`);
          found.push(...await rowsOf(ordered(query).range(first, first + SIZE - 1)));
        }
        const expected = prompts.filter(mayRead).filter(isMeant);
        assert.deepEqual(found.map(({ id }) => id).toSorted(), expected.map(({ id }) => id).toSorted());
        assert.ok(found.every(({ id, prompt_answers }) => prompt_answers.length === 1 && prompt_answers[0].answer === id));
        const sorted = expected.map((row) => text(row[column])).toSorted();
        assert.deepEqual(found.map((row) => text(row[column])), order === "the newest first" ? sorted.toReversed() : sorted);
      });
    }
  }
});
