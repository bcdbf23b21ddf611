/**
 * A stand-in for the program behind the page, to be run in the page before its own scripts: it answers the commands
 * from `window.__world`, keeps what was asked in `calls`, and sends events over the channel the page registered. A classic
 * script, so that it may run first.
 */

(() => {
  /** @typedef {import("../../../ui/types.d.ts").Event} Event */
  /** @typedef {import("../../../ui/types.d.ts").FeedQuery} FeedQuery */
  /** @typedef {import("../../../ui/types.d.ts").Handling} Handling */
  const page = /** @type {any} */ (window);
  const world = /** @type {import("./world.js").World} */ (page.__world);
  /** @type {Map<number, (raw: any) => void>} */
  const callbacks = new Map();
  const mock = {
    /** @type {{ command: string, values: any }[]} */
    calls: [],
    /** Answers in place of the usual ones. @type {Record<string, (values: any) => any>} */
    answers: {},
    channel: -1,
    index: 0,
    /** @type {ReturnType<typeof setInterval> | undefined} */
    beating: undefined,
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    sending: undefined,
    snoozes: world.snapshot?.snoozes ?? [],
    /** Changes the handling of what was decided on last. @type {((handling: Handling) => void) | undefined} */
    change: undefined,
    /** @param {Event} event */
    emit(event) {
      callbacks.get(mock.channel)?.({ index: mock.index++, message: event });
    },
    /** @param {string} command */
    asked: (command) => mock.calls.filter((call) => call.command === command).map((call) => call.values),
  };
  page.__mock = mock;

  /** @param {string} id @param {boolean} cleared */
  const setCleared = (id, cleared) => {
    const item = world.snapshot?.feed.items.find((item) => item.id === id);
    if (item?.type === "incident") item.cleared = cleared;
    const detail = world.details[id];
    if (detail) detail.incident = { ...detail.incident, cleared };
  };

  /**
   * Changes incidents; those that changed.
   *
   * @param {string[]} ids
   * @param {(incident: import("../../../ui/types.d.ts").Incident) => Partial<import("../../../ui/types.d.ts").Incident> | null} how
   */
  const changed = (ids, how) => {
    const items = world.snapshot?.feed.items ?? [];
    return ids.flatMap((id) => {
      const item = [...items, ...world.older].find((item) => item.id === id);
      const change = item?.type === "incident" ? how(item) : null;
      if (item?.type !== "incident" || !change) return [];
      Object.assign(item, change);
      const { type: _, ...incident } = item;
      const detail = world.details[id];
      if (detail) detail.incident = incident;
      return [incident];
    });
  };

  /** @type {Record<string, (values: any) => any>} */
  const program = {
    subscribe({ channel }) {
      mock.channel = Number(channel.split(":")[1]);
      mock.index = 0;
      clearInterval(mock.beating);
      mock.beating = setInterval(() => page.__mute || mock.emit({ type: "beat" }), 5_000);
      if (world.snapshot === null) throw "no program";
      return world.snapshot;
    },
    /** @param {{ query: FeedQuery }} values */
    feed({ query }) {
      const shops = world.snapshot?.feed.shops ?? [];
      const all = [...(world.snapshot?.feed.items ?? []), ...world.older];
      const begin = (/** @type {import("../../../ui/types.d.ts").FeedItem} */ item) => (item.type === "incident" ? item.first_at : item.from);
      const { search: _, filter, since, until, before, after, at, ...narrowed } = query;
      const items = all.filter((item) => {
        if ((since !== null && begin(item) < since) || (until !== null && begin(item) >= until)) return false;
        if (item.type !== "incident") return filter === "all" && query.search === "" && Object.values(narrowed).every((value) => value === null);
        if (query.severity !== null && item.severity !== query.severity) return false;
        if (query.shop !== null && item.shop !== shops.find((shop) => shop.id === query.shop)?.name) return false;
        if (query.camera !== null && item.stream_id !== query.camera) return false;
        if (query.kind !== null && item.kind !== query.kind) return false;
        if (query.decision !== null && !(item.handling.state === "recorded" && item.handling.decision === query.decision)) return false;
        if (query.who !== null && !(item.handling.state === "recorded" && item.handling.here === (query.who === "me"))) return false;
        if (filter === "unhandled" ? !["open", "refused"].includes(item.handling.state) : item.cleared !== (filter === "cleared")) return false;
        return `${item.camera} ${item.shop}`.toLowerCase().includes(query.search.toLowerCase());
      });
      const place = (/** @type {string} */ cursor) => (/^[0-9]+$/.test(cursor) && Number(cursor) < items.length ? Number(cursor) : items.findIndex(({ id }) => id === cursor));
      const from = after !== null ? Math.max(0, place(after) - 50) : before !== null ? place(before) + (items[Number(before)] ? 0 : 1) : at !== null ? items.findIndex((item) => begin(item) <= at) : 0;
      const to = after !== null ? place(after) : from + 50;
      return {
        items: items.slice(from, to),
        next: to < items.length ? String(to) : null,
        previous: (after !== null || at !== null) && from > 0 ? String(from) : null,
        above: at === null ? null : from,
        shops,
        cameras: world.snapshot?.feed.cameras ?? [],
        understood: null,
      };
    },
    incident({ id }) {
      const detail = world.details[id];
      if (!detail) throw { code: "unknown_incident", sentence: "This alert is not in the journal.", field: null };
      return detail;
    },
    /** @param {{ query: import("../../../ui/types.d.ts").ReportQuery }} values */
    report({ query }) {
      const held = (/** @type {import("../../../ui/types.d.ts").LedgerEntry} */ { detected_at }) =>
        detected_at !== null && detected_at >= query.from && detected_at < query.to;
      return { ...world.report, ...query, entries: world.report.entries.filter(held) };
    },
    handover: () => page.__handover ?? null,
    stays: () => null,
    save_table: ({ query }) =>
      `${world.report.activity.total.incidents} incidents are saved as a table: /home/maria/Downloads/visionguard-incidents-${new Date(query.from).toISOString().slice(0, 10)}.csv`,
    async drill() {
      mock.emit({ type: "drill", drill: { running: true, last: world.snapshot?.drill.last ?? null } });
      await new Promise((done) => setTimeout(done, page.__slow ?? 50));
      const last = page.__drill ?? { at: Date.now(), passed: true, took_ms: 640, sentence: "The test alert came back and was shown." };
      mock.emit({ type: "drill", drill: { running: false, last } });
      return last;
    },
    decide({ incident, decision, note, outcome }) {
      const change = (/** @type {Handling} */ handling) => {
        const detail = world.details[incident];
        if (!detail || !world.snapshot) return;
        const said = handling.state === "open" || decision === "reopened" ? null : (outcome ?? null);
        detail.incident = { ...detail.incident, handling, outcome: said, by: null };
        detail.note = note ?? detail.note;
        mock.emit({ type: "incident_changed", incident: detail.incident, counts: world.snapshot.counts });
      };
      if (decision === "reopened") {
        const undo_until = page.__undo ? Date.now() + page.__undo : null;
        change({ state: "reopened", here: true, sent: false, at: Date.now(), undo_until });
        return;
      }
      const until = page.__undo ? Date.now() + page.__undo : null;
      change({ state: "sending", decision, undo_until: until });
      if (page.__silent) return;
      mock.change = change;
      mock.sending = setTimeout(() => change({ state: "recorded", decision, here: true, at: Date.now() }), (page.__undo ?? 0) + 50);
    },
    /** @param {{ incidents: string[], decision: import("../../../ui/types.d.ts").Decision }} values */
    decide_each({ incidents, decision }) {
      const until = page.__undo ? Date.now() + page.__undo : null;
      return changed(incidents, (incident) =>
        ["open", "refused", "reopened"].includes(incident.handling.state)
          ? { handling: { state: "sending", decision, undo_until: until }, unopened: !incident.seen, seen: true }
          : null,
      );
    },
    /** @param {{ incidents: string[] }} values */
    undo_each: ({ incidents }) => changed(incidents, () => ({ handling: { state: "open" }, unopened: false })),
    note({ incident, note, outcome }) {
      const detail = world.details[incident];
      if (!detail || !world.snapshot) throw { code: "unknown_incident", sentence: "This alert is not in the journal.", field: null };
      detail.note = note ?? detail.note;
      detail.incident = { ...detail.incident, outcome: outcome ?? detail.incident.outcome };
      mock.emit({ type: "incident_changed", incident: detail.incident, counts: world.snapshot.counts });
    },
    undo() {
      clearTimeout(mock.sending);
      mock.change?.({ state: "open" });
    },
    save_evidence: ({ incident }) =>
      `Saved in /home/maria/Downloads/visionguard-evidence-2025-11-21-140323-${incident}.zip. Anybody can open it, and check that nothing in it was changed.`,
    snooze({ incident, length, why }) {
      const found = world.details[incident]?.incident;
      if (!found) throw { code: "unknown_incident", sentence: "This alert is not in the journal.", field: null };
      const snooze = { camera: found.stream_id ?? "", name: found.camera, by: "Maria Keller", why, until: typeof length === "string" ? (world.snapshot?.hours?.until ?? 0) : Date.now() + length.minutes * 60_000 };
      mock.snoozes = [...mock.snoozes.filter((other) => other.camera !== found.stream_id), snooze];
      mock.emit({ type: "snoozes", snoozes: mock.snoozes });
    },
    extend_snooze({ camera, minutes }) {
      mock.snoozes = mock.snoozes.map((snooze) => (snooze.camera === camera ? { ...snooze, until: snooze.until + minutes * 60_000 } : snooze));
      mock.emit({ type: "snoozes", snoozes: mock.snoozes });
    },
    end_snooze({ camera }) {
      mock.snoozes = mock.snoozes.filter((snooze) => snooze.camera !== camera);
      mock.emit({ type: "snoozes", snoozes: mock.snoozes });
    },
    dismiss({ incident }) {
      if (world.snapshot) mock.emit({ type: "incidents_removed", ids: [incident], counts: world.snapshot.counts });
    },
    clear() {
      const handled = (world.snapshot?.feed.items ?? []).filter((item) => item.type === "incident" && item.handling.state === "recorded");
      for (const { id } of handled) setCleared(id, true);
      const ids = handled.map((item) => item.id);
      if (world.snapshot) mock.emit({ type: "incidents_removed", ids, counts: { ...world.snapshot.counts, cleared: ids.length } });
      return { incidents: ids.length, at: 1_763_600_000_123 };
    },
    /** @param {{ what: import("../../../ui/types.d.ts").BringBack }} values */
    bring_back({ what }) {
      for (const { id } of world.snapshot?.feed.items ?? []) if (what.which !== "one" || what.incident === id) setCleared(id, false);
      if (world.snapshot) mock.emit({ type: "feed_changed", counts: { ...world.snapshot.counts, cleared: 0 } });
    },
    close_notice({ code }) {
      if (!world.snapshot) return;
      world.snapshot.notices = world.snapshot.notices.filter((notice) => notice.code !== code);
      mock.emit({ type: "notices", notices: world.snapshot.notices });
    },
    change_settings: ({ settings }) => settings,
    try_sound: () => undefined,
    sign_in: ({ server, email, keepPassword }) => {
      const session = { server, insecure: false, user_id: "u1", name: "Maria Keller", email, kept_in: "keychain" };
      return { ...session, password_kept: keepPassword };
    },
    sign_out: () => mock.emit({ type: "session", session: null }),
    retry_now: () => undefined,
    seen: () => undefined,
    looks: () => undefined,
  };

  Object.defineProperty(window, "__TAURI_INTERNALS__", {
    value: Object.freeze({
      /** @param {string} command @param {any} values */
      async invoke(command, values) {
        const sent = JSON.parse(JSON.stringify(values));
        mock.calls.push({ command, values: sent });
        await null;
        const answer = mock.answers[command] ?? program[command];
        if (!answer) throw `command ${command} not found`;
        return structuredClone((await answer(sent)) ?? null);
      },
      /** @param {(raw: any) => void} callback */
      transformCallback(callback) {
        const id = callbacks.size + 1;
        callbacks.set(id, callback);
        return id;
      },
      /** @param {string} path @param {string} scheme */
      convertFileSrc: (path, scheme) => `${world.frames}/${scheme}/${encodeURIComponent(path)}`,
    }),
  });
  // as the program does
  Object.freeze(Object.prototype);
})();
