/**
 * The form to sign in with: address, e-mail, password. What is wrong is said at the field that is wrong. The password
 * is read when it is sent and kept nowhere.
 *
 * @import { State } from "../state.js"
 * @import { Actions } from "../act.js"
 */

import { attribute, icon, part, partOf, show, text } from "../dom.js";
import { plain } from "../format.js";
import { onPress, onSubmit } from "../keys.js";
import { t } from "../words.js";

const FIELDS = /** @type {const} */ (["server", "email", "password"]);
/** @typedef {(typeof FIELDS)[number]} Field */

const MISSING = {
  server: "page.sign_in.no_server",
  email: "page.sign_in.no_email",
  password: "page.sign_in.no_password",
};

/** @param {Actions} act */
export function signInView(act) {
  const root = part(document, "sign-in");
  const form = partOf(root, "sign-in-form", HTMLFormElement);
  const button = part(form, "sign-in-button");
  const back = part(form, "sign-in-back");
  const reveal = part(form, "reveal-password");
  const keep = /** @type {HTMLInputElement} */ (form.elements.namedItem("keep_password"));
  /** @param {Field} name */
  const input = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
  let painted = /** @type {State | null} */ (null);

  const send = () => {
    if (painted?.signIn.busy) return;
    sayInGeneral("");
    const missing = FIELDS.filter((name) => input(name).value.trim() === "");
    for (const name of FIELDS) problemAt(form, name, missing.includes(name) ? t(MISSING[name]) : null);
    if (missing[0]) return input(missing[0]).focus();
    act.signIn({
      server: input("server").value.trim(),
      email: input("email").value.trim(),
      password: input("password").value,
      keepPassword: keep.checked,
    });
  };
  const hasAddress = () => /.@./.test(input("email").value);
  onSubmit(form, send, () => sayInGeneral(t("page.sign_in.again")), hasAddress);
  onPress(back, () => act.go("feed"));
  onPress(reveal, () => setRevealed(input("password").type === "password"));
  for (const name of FIELDS) input(name).addEventListener("input", () => problemAt(form, name, null));
  input("server").addEventListener("input", warn);

  /** @param {string} sentence */
  function sayInGeneral(sentence) {
    const general = part(form, "problem");
    show(general, sentence !== "");
    text(general, sentence);
  }

  /** @param {boolean} shown */
  function setRevealed(shown) {
    input("password").type = shown ? "text" : "password";
    attribute(reveal, "aria-pressed", String(shown));
    icon(reveal, shown ? "eye-off" : "eye");
  }

  function warn() {
    text(part(form, "insecure"), isInsecure(input("server").value) ? t("page.sign_in.insecure") : "");
  }

  /** @param {State} state */
  function arrive(state) {
    setRevealed(false);
    keep.checked = false;
    sayInGeneral("");
    input("password").value = "";
    if (state.session) {
      input("server").value = state.session.server;
      input("email").value = state.session.email;
    }
    warn();
    for (const name of FIELDS) problemAt(form, name, null);
    const first = FIELDS.find((name) => input(name).value === "");
    if (first && document.activeElement === document.body) input(first).focus();
  }

  /** @param {State} state */
  return function paint(state) {
    const shown = state.ready && state.place === "sign_in";
    const came = shown && root.hidden;
    show(root, shown);
    if (!shown) {
      if (painted?.place === "sign_in") input("password").value = "";
      painted = state;
      return;
    }
    if (came) arrive(state);
    const { busy, problem } = state.signIn;
    attribute(form, "aria-busy", String(busy));
    for (const name of FIELDS) input(name).readOnly = busy;
    keep.disabled = busy;
    attribute(button, "aria-disabled", busy ? "true" : null);
    text(button, busy ? t("page.sign_in.busy") : t("page.sign_in.button"));
    show(back, state.session !== null || state.counts.total + state.counts.cleared > 0);
    text(back, state.session !== null ? t("page.cancel") : t("page.sign_in.look"));

    if (problem !== painted?.signIn.problem) {
      const field = FIELDS.find((name) => name === problem?.field) ?? null;
      for (const name of FIELDS) problemAt(form, name, name === field && problem ? plain(problem.sentence, 300) : null);
      sayInGeneral(problem !== null && field === null ? plain(problem.sentence, 300) : "");
      if (field) input(field).focus();
    }
    painted = state;
  };
}

/**
 * Whether what is typed there would travel in the clear, through more than this computer.
 *
 * @param {string} address
 */
export function isInsecure(address) {
  const found = /^\s*(?:http|ws):\/\/(\[[^\]]*\]|[^/:?#\s]*)/i.exec(address);
  const host = found?.[1]?.toLowerCase();
  if (!host) return false;
  return !(host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host));
}

/**
 * @param {HTMLElement} form
 * @param {Field} name
 * @param {string | null} sentence
 */
function problemAt(form, name, sentence) {
  const problem = part(form, `${name}-problem`);
  show(problem, sentence !== null);
  text(problem, sentence ?? "");
  const input = form.querySelector(`input[name="${name}"]`);
  if (input) attribute(input, "aria-invalid", sentence === null ? null : "true");
}
