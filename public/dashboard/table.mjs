// Tables.
import { element } from "./elements.mjs";

/**
 * A table. A column is `[name, value, isNumeric]`, its `value` gives of a row a text or a node; the first column names
 * the row. What is too wide is scrolled in its own frame, by keyboard too.
 */
export function table(caption, columns, rows) {
  const kind = ([, , isNumeric]) => isNumeric && "numeric";
  const head = columns.map((column) => element("th", { scope: "col", class: kind(column) }, column[0]));
  const row = (values) =>
    columns.map((column, index) => {
      const attributes = { class: kind(column), ...(index === 0 && { scope: "row" }) };
      return element(index === 0 ? "th" : "td", attributes, column[1](values));
    });
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, head)),
      element(
        "tbody",
        {},
        rows.map((values) => element("tr", {}, row(values))),
      ),
    ),
  );
}

/** A table that grows by the pages of an answer: `rowsOf` a page, the `first` one and those that come by a button. */
export function pagedTable(caption, columns, first, pages, rowsOf, whenEmpty) {
  const rows = rowsOf(first);
  if (!rows.length) return element("p", {}, whenEmpty);
  const shown = table(caption, columns, rows);
  const next = async () => {
    const { value } = await pages.next();
    shown.querySelector("tbody").append(...table(caption, columns, rowsOf(value)).querySelectorAll("tbody tr"));
    return value.next_cursor !== null;
  };
  return [shown, first.next_cursor !== null && more(next)];
}

/** A button that gets more; `next` gives whether there is more still. What it ends with, if it fails, stands in its place. */
export function more(next, name = "More") {
  const press = async () => {
    button.disabled = true;
    try {
      if (await next()) button.disabled = false;
      else button.remove();
    } catch (error) {
      button.replaceWith(element("p", { class: "problem", role: "alert" }, error.message));
    }
  };
  const button = element("button", { type: "button", on: { click: press } }, name);
  return button;
}
