// The experiments there are.
import { path, withQuery } from "./api.mjs";
import { choice, element, fill, heading } from "./elements.mjs";
import { moment, text, whole } from "./format.mjs";
import { source } from "./source.mjs";
import { more, table } from "./table.mjs";

const PAGE_ROWS = 100;
const COLUMNS = "id,name,status,hypothesis,variants,started_ms,stopped_ms";
const STATUSES = [
  ["", "any"],
  ["running", "running"],
  ["draft", "draft"],
  ["stopped", "stopped"],
];

export const experimentLink = ({ id, name }) => element("a", { href: `#${path`/experiments/${id}`}` }, name || id);

export function experiments(api) {
  const body = element("div");
  const show = (status) => fill(body, () => list(api, status));
  show("");
  return [
    heading("Experiments"),
    element(
      "section",
      { "aria-label": "List" },
      element("div", { class: "choices" }, choice("Status", STATUSES, "", show)),
      body,
    ),
  ];
}

const COLUMNS_SHOWN = [
  ["Experiment", experimentLink],
  ["Id", ({ id }) => id],
  ["Status", ({ status }) => status],
  ["Variants", ({ variants }) => whole(variants?.length), true],
  ["Started", ({ started_ms }) => moment(started_ms)],
  ["Stopped", ({ stopped_ms }) => moment(stopped_ms)],
  ["Hypothesis", ({ hypothesis }) => text(hypothesis)],
];

async function list(api, status) {
  const address = (offset) =>
    withQuery("/rest/v1/experiments", {
      select: COLUMNS,
      status: status && `eq.${status}`,
      order: "updated_ms.desc.nullslast,id",
      limit: PAGE_ROWS,
      offset: offset || undefined,
    });
  const rows = await api.get(address(0));
  if (!rows.length) return [element("p", {}, "There is no experiment."), source(address(0))];
  const shown = table("Experiments, those that were changed last first", COLUMNS_SHOWN, rows);
  let offset = rows.length;
  const next = async () => {
    const page = await api.get(address(offset));
    offset += page.length;
    shown.querySelector("tbody").append(...table("", COLUMNS_SHOWN, page).querySelectorAll("tbody tr"));
    return page.length === PAGE_ROWS;
  };
  return [shown, rows.length === PAGE_ROWS && more(next), source(address(0))];
}
