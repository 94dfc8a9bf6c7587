// Numbers and times as they are shown: numbers the English way, times in the time zone of the browser.
const WHOLE = new Intl.NumberFormat("en");
const PART = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const PERCENT = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 2, maximumFractionDigits: 2 });
const POINTS = new Intl.NumberFormat("en", {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
  signDisplay: "exceptZero",
});
const DATE = new Intl.DateTimeFormat("en-GB", { month: "short", day: "numeric" });
const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "short", year: "numeric", month: "short", day: "numeric" });
const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const SECOND = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const NONE = "–";

/** The browser's time zone. */
export const TIME_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

const or = (show) => (value) => (value === null || value === undefined ? NONE : show(value));
const between = (show) => or(([low, high]) => `${show(low)} to ${show(high)}`);

export const whole = or((number) => WHOLE.format(number));
export const number = or((number) => PART.format(number));
export const percent = or((share) => PERCENT.format(share));
export const percentBetween = between(percent);
/** A difference of two rates. */
export const points = or((difference) => `${POINTS.format(difference * 100)}\u00a0pp`);
export const pointsBetween = between(points);
export const numberBetween = between(number);
/** A change as a share of what it was. */
export const change = or((share) => `${POINTS.format(share * 100)}\u00a0%`);
export const changeBetween = between(change);
export const milliseconds = or((ms) => `${WHOLE.format(Math.round(ms))}\u00a0ms`);
/** A p-value; those that are all but 0 are told as such. */
export const chance = or((p) => (p < 0.0001 ? "below 0.0001" : PART.format(p)));
export const date = or((at) => DATE.format(new Date(at)));
export const time = or((at) => TIME.format(new Date(at)));
export const day = or((at) => DAY.format(new Date(at)));
export const moment = or((at) => MOMENT.format(new Date(at)));
export const second = or((at) => SECOND.format(new Date(at)));
export const text = or(String);
