/**
 * The opening hours among the settings: a switch, and a field for each day of the week.
 *
 * @import { HoursView, SettingsView } from "../types.d.ts"
 * @import { Actions } from "../act.js"
 */

import { attribute, clone, part, partOf, show, text } from "../dom.js";
import { USUAL, WEEKDAYS, readSpans, standingHours } from "../hours.js";
import { onChoice, onPress } from "../keys.js";
import { t } from "../words.js";

/** Monday to Friday. */
const WORKING_DAYS = 5;

/**
 * @param {HTMLElement} root
 * @param {Actions} act
 * @param {() => number} now
 */
export function hoursView(root, act, now) {
  const days = WEEKDAYS.map((name, day) => make(name, day));
  const chosen = partOf(root, "has-hours", HTMLInputElement);
  let known = /** @type {readonly string[]} */ (USUAL);

  part(root, "days").append(...days.map(({ row }) => row));
  chosen.addEventListener("change", () => act.change({ opening_hours: chosen.checked ? [...known] : null }));
  onPress(part(root, "like-monday"), () => {
    const monday = readSpans(days[0]?.input.value ?? "");
    if (monday !== null) act.change({ opening_hours: known.map((spans, day) => (day < WORKING_DAYS ? monday : spans)) });
  });

  /** @param {string} name @param {number} day */
  function make(name, day) {
    const row = clone("day-hours");
    const input = partOf(row, "spans", HTMLInputElement);
    const problem = part(row, "problem");
    input.id = `hours-${day}`;
    problem.id = `hours-problem-${day}`;
    input.setAttribute("aria-describedby", `hours-hint ${problem.id}`);
    row.querySelector("label")?.setAttribute("for", input.id);
    text(part(row, "day"), name);
    onChoice(input, () => {
      const spans = readSpans(input.value);
      say(spans === null);
      if (spans === null) return;
      input.value = spans;
      if (spans !== known[day]) act.change({ opening_hours: known.map((other, of) => (of === day ? spans : other)) });
    });
    /** @param {boolean} wrong */
    const say = (wrong) => {
      attribute(input, "aria-invalid", wrong ? "true" : null);
      text(problem, wrong ? t("page.hours.problem") : "");
      show(problem, wrong);
    };
    return { row, input, say };
  }

  /** @param {SettingsView} settings @param {HoursView | null} hours */
  return function paint(settings, hours) {
    chosen.checked = settings.opening_hours !== null;
    known = settings.opening_hours ?? known;
    show(part(root, "week"), settings.opening_hours !== null);
    text(part(root, "hours-now"), standingHours(hours, now()));
    show(part(root, "hours-now"), settings.opening_hours !== null && hours !== null);
    days.forEach(({ input, say }, day) => {
      const isWrong = input.getAttribute("aria-invalid") === "true" && settings.opening_hours !== null;
      if (document.activeElement === input || isWrong) return;
      say(false);
      input.value = known[day] ?? "";
    });
  };
}
