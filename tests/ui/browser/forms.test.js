/** Signing in and the settings in a real browser. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { asked, emit, stage } from "../support/browser.js";

/** @type {import("../support/browser.js").Stage} */
let set;
before(async () => void (set = await stage()));
after(() => set?.close());

test("empty fields are named before anything is sent", async () => {
  const page = await set.open("sign_in");

  await page.getByRole("button", { name: "Sign in" }).click();

  assert.deepEqual(await asked(page, "sign_in"), []);
  assert.equal(await page.locator("#server-problem").innerText(), "Enter the address of your server.");
  assert.equal(await page.locator("#password-problem").innerText(), "Enter your password.");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "server");
});

test("what may be why somebody is asked to sign in again is said above the form, and nothing else", async () => {
  const page = await set.open("sign_in");

  const notices = [
    { code: "data_dir", sentence: "Nothing can be kept there.", closable: false },
    { code: "no_log", sentence: "No log is written.", closable: false },
  ];
  await emit(page, { type: "notices", notices });

  await page.getByText("Nothing can be kept there.").waitFor();
  assert.equal(await page.getByText("No log is written.").count(), 0);
});

test("what is wrong is said at the field that is wrong, and goes when it is changed", async () => {
  const page = await set.open("sign_in");
  for (const field of ["server", "email", "password"]) {
    await refuse(page, { code: "wrong", sentence: `Wrong ${field}.`, field });
    await fill(page);

    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText(`Wrong ${field}.`).waitFor();
    const at = await page.evaluate(() => document.activeElement?.id);
    const invalid = await page.locator(`#${field}`).getAttribute("aria-invalid");
    await page.locator(`#${field}`).pressSequentially("x");

    assert.equal(at, field);
    assert.equal(invalid, "true");
    assert.equal(await page.locator(`#${field}-problem`).isVisible(), false);
  }
});

test("a problem of no field is said above the fields", async () => {
  const page = await set.open("sign_in");
  await refuse(page, { code: "unreachable", sentence: "The server does not answer.", field: null });
  await fill(page);

  await page.getByRole("button", { name: "Sign in" }).click();

  await page.getByRole("alert").getByText("The server does not answer.").waitFor();
  assert.equal(await page.inputValue("#password"), "secret", "what was typed stays");
});

test("while it is busy it says so and is not sent twice", async () => {
  const page = await set.open("sign_in");
  await page.evaluate(() => void (/** @type {any} */ (window).__mock.answers.sign_in = () => new Promise(() => {})));
  await fill(page);

  await page.getByRole("button", { name: "Sign in" }).click();
  const busy = page.getByRole("button", { name: "Signing in…" });
  await busy.click({ force: true });
  await page.focus("#password");
  await page.keyboard.press("Enter");
  await page.waitForTimeout(200);

  assert.equal(await busy.getAttribute("aria-disabled"), "true");
  assert.equal((await asked(page, "sign_in")).length, 1);
});

test("signing in leads to the alerts and leaves no password behind", async () => {
  const page = await set.open("sign_in");
  await page.locator("#server").fill(" https://visionguard.example.com ");
  await page.locator("#email").fill("Maria.Keller@example.com");
  await page.locator("#password").fill(" s p ");

  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("No alerts yet").waitFor();

  assert.deepEqual(await asked(page, "sign_in"), [{ server: "https://visionguard.example.com", email: "Maria.Keller@example.com", password: " s p ", keepPassword: false }]);
  assert.equal(await page.inputValue("#password"), "");
});

test("the password can be looked at, and is hidden again when the form is left", async () => {
  const page = await set.open("signed_out");
  const remedy = page.getByRole("banner").getByRole("button", { name: "Sign in" });
  await remedy.click();
  const toggle = page.getByRole("button", { name: "Show the password" });

  await toggle.click();
  const shown = await page.getAttribute("#password", "type");
  await page.getByRole("button", { name: "Cancel" }).click();
  await remedy.click();
  await page.getByRole("heading", { name: "Sign in to VisionGuard" }).waitFor();

  assert.equal(shown, "text");
  assert.equal(await page.getAttribute("#password", "type"), "password");
  assert.equal(await toggle.getAttribute("aria-pressed"), "false");
  assert.equal(await page.inputValue("#server"), "https://visionguard.example.com", "the address is known");
});

test("the password is kept only when asked for, and that is asked each time anew", async () => {
  const page = await set.open("signed_out");
  const remedy = page.getByRole("banner").getByRole("button", { name: "Sign in" });
  const keep = page.getByRole("checkbox", { name: "Keep the password in this computer’s keychain" });
  await remedy.click();
  const first = await keep.isChecked();
  await keep.check();
  await page.getByRole("button", { name: "Cancel" }).click();
  await remedy.click();
  await keep.waitFor();

  const again = await keep.isChecked();
  await page.locator("#password").fill("secret");
  await keep.check();
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await page.locator("article.row").first().waitFor();

  assert.deepEqual([first, again], [false, false]);
  assert.equal((await asked(page, "sign_in"))[0].keepPassword, true);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByText("The password is kept in this computer’s keychain too. Signing out removes it.").waitFor();
});

test("a password that could not be kept is not called kept", async () => {
  const page = await set.open("sign_in");
  await page.evaluate(() => {
    const session = { server: "https://a.example", insecure: false, user_id: "u", name: "M", email: "m@example.com", kept_in: "memory", password_kept: false };
    /** @type {any} */ (window).__mock.answers.sign_in = () => session;
  });
  await fill(page);
  await page.getByRole("checkbox").check();

  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("the password could not be kept in this computer’s keychain", { exact: false }).waitFor();
  await page.getByRole("button", { name: "Settings" }).click();

  assert.equal(await page.locator('[data-part="account-password"]').isVisible(), false);
});

test("an address in the clear is warned about while it is typed", async () => {
  const page = await set.open("sign_in");

  await page.locator("#server").fill("http://shop-server:8000");
  await page.getByText("This address is not encrypted", { exact: false }).waitFor();
  await page.locator("#server").fill("https://shop-server:8000");

  assert.equal(await page.locator('[data-part="insecure"]').innerText(), "");
});

test("a setting is sent whole, at once", async () => {
  const page = await settings();

  await page.getByRole("switch", { name: "Play a sound" }).click();
  await page.getByRole("radio", { name: "Dark" }).check({ force: true });
  await page.getByRole("spinbutton", { name: "Keep pictures for" }).fill("14");
  await page.getByRole("spinbutton", { name: "Keep pictures for" }).blur();
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("change_settings").length === 3);

  const last = (await asked(page, "change_settings")).at(-1).settings;
  assert.equal(last.sound, false);
  assert.equal(last.theme, "dark");
  assert.equal(last.keep_days, 14);
  assert.equal(last.notifications, true);
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
});

test("how loud the sound is can be chosen and tried", async () => {
  const page = await settings();
  const [volume, play] = [page.getByLabel("How loud"), page.getByRole("button", { name: "Play it" })];
  assert.equal(await volume.inputValue(), "70");

  await volume.fill("35");
  await page.getByText("35 %").waitFor();
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("change_settings").length === 1);
  await play.click();

  assert.deepEqual((await asked(page, "change_settings")).map(({ settings }) => settings.sound_volume), [35]);
  assert.deepEqual(await asked(page, "try_sound"), [{ volume: 35 }]);
  await page.getByRole("switch", { name: "Play a sound" }).click();
  await page.waitForFunction(() => document.querySelector('[name="sound_volume"]')?.matches(":disabled"));
  assert.equal(await play.getAttribute("aria-disabled"), "true");
});

test("a sound that cannot be played says why", async () => {
  const page = await settings();
  await page.evaluate(() => {
    /** @type {any} */ (window).__mock.answers.try_sound = () => {
      throw { code: "no_sound", sentence: "No sound can be played here: there is no device.", field: null };
    };
  });

  await page.getByRole("button", { name: "Play it" }).click();

  await page.getByText("No sound can be played here: there is no device.").waitFor();
});

test("days that make no sense are not sent", async () => {
  const page = await settings();

  for (const value of ["0", "366", "", "-3"]) {
    await page.getByRole("spinbutton", { name: "Keep pictures for" }).fill(value);
    await page.getByRole("spinbutton", { name: "Keep pictures for" }).blur();
    assert.equal(await page.getByRole("spinbutton", { name: "Keep pictures for" }).inputValue(), "30", value);
  }

  assert.deepEqual(await asked(page, "change_settings"), []);
});

test("a camera's silence after a sound is chosen in minutes, and none is asked for where nothing sounds", async () => {
  const page = await settings();
  const field = page.getByRole("spinbutton", { name: "After a camera sounded, it is silent for" });

  for (const value of ["121", "-1", ""]) {
    await field.fill(value);
    await field.blur();
    assert.equal(await field.inputValue(), "0", value);
  }
  await field.fill("10");
  await field.blur();
  await page.getByRole("switch", { name: "Play a sound" }).click();
  await page.waitForFunction(() => document.querySelector("#cooldown")?.matches(":disabled"));

  assert.deepEqual((await asked(page, "change_settings")).map(({ settings }) => settings.cooldown_minutes), [10, 10]);
});

test("the daily test has a time, which can be changed and switched off", async () => {
  const page = await settings();
  const [daily, time] = [page.getByRole("switch", { name: "Test it every day" }), page.getByLabel("Time of the daily test")];

  await time.fill("08:15");
  await daily.click();
  await page.waitForFunction(() => document.querySelector(".time")?.matches(":disabled"));
  await daily.click();

  const sent = (await asked(page, "change_settings")).map(({ settings }) => settings.drill_at);
  assert.deepEqual(sent, ["08:15", null, "08:15"]);
});

test("a time of day is read as it is typed, also where the browser has no field for it", async () => {
  const page = await settings();
  const time = page.getByLabel("Time of the daily test");
  await page.evaluate(() => document.querySelector(".time")?.setAttribute("type", "text"));

  for (const value of ["25:00", "soon", ""]) {
    await time.fill(value);
    await time.blur();
    assert.equal(await time.inputValue(), "09:00", value);
  }
  await time.fill("7.30");
  await time.blur();

  assert.deepEqual((await asked(page, "change_settings")).map(({ settings }) => settings.drill_at), ["07:30"]);
});

test("a refused setting goes back and says why", async () => {
  const page = await settings();
  await page.evaluate(() => {
    /** @type {any} */ (window).__mock.answers.change_settings = () => {
      throw { code: "settings_not_stored", sentence: "The settings could not be stored.", field: null };
    };
  });

  await page.getByRole("switch", { name: "Play a sound" }).click();
  await page.getByText("The settings could not be stored.").waitFor();

  assert.equal(await page.getByRole("switch", { name: "Play a sound" }).isChecked(), true);
});

test("a camera without a name can be given one", async () => {
  const page = await settings();
  const field = page.getByRole("textbox", { name: "Camera c71f0a7" });

  await field.fill("Loading bay");
  await field.blur();
  await page.waitForFunction(() => /** @type {any} */ (window).__mock.asked("change_settings").length === 1);

  assert.deepEqual((await asked(page, "change_settings"))[0].settings.camera_names, {
    "4e1637a8-d33b-477c-abd6-bbcccab0b4a7": "Aisle 3",
    "9b0c7d52-1f3e-4a7d-8a55-2f6a1f0c9e11": "Till 1",
    "c71f0a7e-5b2d-4c1e-9d0f-6a8b7c5d4e3f": "Loading bay",
  });
});

test("signing out asks first and erases only when told to", async () => {
  for (const erase of [false, true]) {
    const page = await settings();
    await page.getByRole("button", { name: "Sign out" }).click();

    if (erase) await page.getByRole("radio", { name: "Erase the alerts from this computer" }).check();
    await page.getByRole("group", { name: "Sign out" }).getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in to VisionGuard" }).waitFor();

    assert.deepEqual(await asked(page, "sign_out"), [{ erase }]);
  }
});

test("where the sign-in is kept is said", async () => {
  const page = await settings();

  await page.getByText("The sign-in is kept in this computer’s keychain.", { exact: false }).waitFor();
  await emit(page, {
    type: "session",
    session: { server: "http://10.0.0.4", insecure: true, user_id: "u", name: "M", email: "m@example.com", kept_in: "memory", password_kept: false },
  });

  await page.getByText("The sign-in lasts until VisionGuard ends.", { exact: false }).waitFor();
});

async function settings() {
  const page = await set.open("full");
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  return page;
}

/** @param {import("playwright-core").Page} page */
async function fill(page) {
  await page.locator("#server").fill("https://visionguard.example.com");
  await page.locator("#email").fill("maria.keller@example.com");
  await page.locator("#password").fill("secret");
}

/** @param {import("playwright-core").Page} page @param {import("../../../ui/types.d.ts").Problem} problem */
function refuse(page, problem) {
  return page.evaluate((problem) => {
    /** @type {any} */ (window).__mock.answers.sign_in = () => {
      throw problem;
    };
  }, problem);
}
