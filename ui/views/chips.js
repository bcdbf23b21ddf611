/**
 * The chips above the list, which narrow it: to what is high, to one shop, to today.
 *
 * @import { Feed } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { attribute, part, show, text } from "../dom.js";
import { midnight, plain } from "../format.js";
import { onChoice, onPress } from "../keys.js";
import { t } from "../words.js";

/**
 * @param {HTMLElement} root
 * @param {Actions} act
 * @param {() => number} now
 */
export function chipsView(root, act, now) {
  const high = part(root, "high");
  const today = part(root, "today");
  const shop = part(root, "shop");
  const select = /** @type {HTMLSelectElement} */ (shop.querySelector("select"));
  let painted = /** @type {Feed | null} */ (null);

  onPress(high, () => act.search({ severity: painted?.query.severity === "high" ? null : "high" }));
  onPress(today, () => act.search({ since: painted?.query.since === null ? midnight(now()) : null }));
  onChoice(select, () => act.search({ shop: select.value === "" ? null : select.value }));

  /** @param {Feed} feed */
  return function paint(feed) {
    const { query, shops } = feed;
    if (painted?.query === query && painted.shops === shops) return;
    painted = feed;
    attribute(high, "aria-pressed", String(query.severity === "high"));
    attribute(today, "aria-pressed", String(query.since !== null));
    attribute(shop, "data-chosen", query.shop === null ? null : "");
    show(shop, shops.length > 1 || query.shop !== null);
    paintShops(select, feed);
  };
}

/**
 * One choice for all, one for each shop; the chosen one stays, though it may have no alerts left.
 *
 * @param {HTMLSelectElement} select
 * @param {Feed} feed
 */
function paintShops(select, { query, shops }) {
  const all = [{ id: "", name: t("page.chips.all_shops") }, ...shops];
  if (query.shop !== null && !shops.some((shop) => shop.id === query.shop)) {
    const before = [...select.options].find((option) => option.value === query.shop);
    all.push({ id: query.shop, name: before?.text ?? t("page.chips.shop") });
  }
  if (select.options.length !== all.length || all.some(({ id }, at) => select.options[at]?.value !== id)) {
    select.replaceChildren(...all.map(({ id }) => Object.assign(document.createElement("option"), { value: id })));
  }
  all.forEach(({ name }, at) => {
    const option = select.options[at];
    if (option) text(option, plain(name, 60));
  });
  select.value = query.shop ?? "";
}
