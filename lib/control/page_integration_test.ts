/** The dashboard as people use it: a real browser, a real worker with real tasks, agents and a real database. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import type { BrowserContext, Page } from "playwright-core";
import { systemClock } from "../clock.ts";
import { selfCommand } from "../daemon/self.ts";
import type { AgentStatus } from "../supervisor/agent_status.ts";
import { startBrowser } from "../testing/browser.ts";
import { type DashboardWorker, dashboardWorker } from "../testing/dashboard.ts";
import { needs } from "../testing/requirements.ts";

const AGENT = fileURLToPath(import.meta.resolve("../testing/agent_program.ts"));
const MARKUP = "<img src=x onerror=alert(1)>";
const VIEWS = ["overview", "tasks", "agents", "approvals", "schedule", "queues"];

function config(): Record<string, unknown> {
  const countdown = selfCommand(["demo-task", "countdown"]);
  const agent = selfCommand(["well"], { main: AGENT });
  return {
    workerId: "worker-one",
    commands: [{
      name: "countdown",
      program: countdown.program,
      args: [...countdown.args, "{seconds}"],
      input: { seconds: { type: "number", min: 0, max: 600 } },
      env: ["DENO_DIR"],
    }],
    agents: [{
      id: "well",
      name: "Well",
      command: agent.program,
      args: agent.args,
      health: "ndjson",
      env: ["DENO_DIR"],
    }],
    routines: [{ id: "morning", cron: "0 6 * * *", task: "countdown", input: { seconds: 1 } }],
  };
}

/** What must not happen on any page: errors in the console, exceptions, breaches of the content policy. */
async function watched(context: BrowserContext): Promise<{ page: Page; problems: string[] }> {
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    // That a worker is away or wants a session is told by the browser too.
    const expected = /ERR_(CONNECTION|EMPTY|INCOMPLETE|INTERNET|NETWORK|FAILED)|status of 401/.test(
      message.text(),
    );
    if (message.type() === "error" && !expected) problems.push(`${message.text()} ${message.location().url}`);
  });
  page.on("dialog", (dialog) => problems.push(`dialog: ${dialog.message()}`));
  return { page, problems };
}

/** Serious and critical findings of axe on what is on show. */
async function findings(page: Page, rules?: readonly string[]): Promise<string[]> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async (rules) => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const options = rules ? { runOnly: { type: "rule" as const, values: [...rules] } } : {};
    const { violations } = await axe.run(options);
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) =>
        `${id}: ${
          nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(" | ")
        }`
      );
  }, rules);
  return violations;
}

const task = (worker: DashboardWorker, id: string) =>
  worker.ask<{ status: string; cancel_reason: string | null }>("GET", `/tasks/${id}`);

async function enqueue(worker: DashboardWorker, task: Record<string, unknown>): Promise<string> {
  const [{ id }] = await worker.ask<[{ id: string }]>("POST", "/tasks", [task]);
  return id;
}

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await holds()) return;
    await systemClock.sleep(50);
  }
  assert.fail(`never came true: ${what}`);
}

/** Runs a command in a terminal of its own, and presses each key when what it waits for is on the screen. */
async function inTerminal(worker: DashboardWorker, args: string[], keys: readonly [RegExp, string][]) {
  const { program, args: all } = selfCommand(args);
  const child = new Deno.Command("python3", {
    args: ["-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)", program, ...all],
    env: { ...worker.env, TERM: "xterm", NO_COLOR: "1" },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const waited = [...keys];
  let shown = "";
  let from = 0;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += text;
    const [next] = waited;
    if (!next?.[0].test(shown.slice(from))) continue;
    waited.shift();
    from = shown.length;
    await writer.write(new TextEncoder().encode(next[1]));
  }
  await writer.close().catch(() => {}); // python has gone already
  assert.deepEqual(waited, [], shown);
  return { code: (await child.status).code, shown };
}

async function propose(worker: DashboardWorker, digest: string, summary: string): Promise<string> {
  const { id } = await worker.call<{ id: string }>("actp_request_act", {
    p_act: {
      source: "agent",
      task_id: "run-1",
      digest,
      kind: "post",
      platform: "tiktok",
      account: "@studio",
      summary,
      preview: { caption: `A caption ${MARKUP}` },
      agent_id: "well",
    },
    p_worker_id: "worker-one",
    p_expires_seconds: 3600,
  });
  return id;
}

Deno.test({
  name: "the dashboard in a browser",
  ...await needs("chromium"),
  // The browser's connection is open in every step; the test as a whole is checked.
  fn: dashboard,
});

async function dashboard(test: Deno.TestContext): Promise<void> {
  await using worker = await dashboardWorker(config());
  const browser = await startBrowser();
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const { page, problems } = await watched(context);
    page.setDefaultTimeout(15_000);
    const step = (name: string, fn: () => Promise<void>) =>
      test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
    const open = async (view: string) => {
      await page.goto(`${worker.url}/#/${view}`);
      await page.waitForSelector(`[data-view="${view.split("/")[0]}"][aria-current="page"]`);
    };
    const row = (id: string) => page.locator(`tbody tr:has(a[href^="#/tasks/${id}"])`);

    await step("without a session it tells how to get in", async () => {
      await page.goto(`${worker.url}/#code=wrong`);
      await page.getByText("actp-worker dashboard", { exact: true }).waitFor();
      await page.getByText("The code is used or older than a minute").waitFor();
      assert.deepEqual(await findings(page), []);
    });

    await step("a one-time code opens it, and is gone from the address", async () => {
      await page.goto(await worker.signInUrl());
      await page.getByText("All is well").waitFor();
      assert.doesNotMatch(page.url(), /code/);
      assert.equal(await page.locator("#worker-name").textContent(), "worker-one");
      assert.equal(await page.locator("#sign-in").isVisible(), false);
    });

    await step(
      "a task that is enqueued elsewhere appears, moves, and is cancelled after a question",
      async () => {
        await open("tasks");
        const id = await enqueue(worker, { task_type: "countdown", input_data: { seconds: 60 } });
        const bar = row(id).locator("progress");
        await bar.waitFor();
        await eventually("the bar moves", async () => Number(await bar.getAttribute("value")) > 0);
        await row(id).getByRole("button", { name: /^Cancel countdown/ }).click();
        await page.getByLabel("Why").fill("not needed");
        await page.getByRole("button", { name: "Cancel the task" }).click();
        await row(id).getByText("cancelled", { exact: true }).waitFor();
        const { status, cancel_reason } = await task(worker, id);
        assert.deepEqual([status, cancel_reason], ["cancelled", "not needed"]);
        await row(id).getByRole("button", { name: /^Retry/ }).click();
        await row(id).getByText(/running|pending/).waitFor();
        await worker.ask("POST", `/tasks/${id}/cancel`, {});
      },
    );

    await step("a task is added by hand; input that is no JSON is told where it was typed", async () => {
      await page.getByRole("button", { name: "New task" }).click();
      await page.getByLabel("Type", { exact: true }).fill("countdown");
      await page.getByLabel("Input").fill("{seconds: 1}");
      await page.getByRole("button", { name: "Add it" }).click();
      await page.getByText(/The input is not JSON/).waitFor();
      assert.deepEqual(await findings(page), []);
      await page.getByLabel("Input").fill('{"seconds": 0.1}');
      await page.getByRole("button", { name: "Add it" }).click();
      await page.getByRole("status").getByText(/is in the queue/).waitFor();
      await page.locator("tbody").getByText("succeeded").first().waitFor();
    });

    await step("what a task says is text, and its panel has attempts, input and error", async () => {
      const id = await enqueue(worker, { task_type: "countdown", input_data: { seconds: MARKUP } });
      await row(id).getByText("failed", { exact: true }).waitFor();
      await row(id).getByRole("link").focus();
      await page.keyboard.press("Enter");
      const panel = page.getByRole("dialog", { name: "countdown" });
      await panel.getByText("Attempts that did not succeed").waitFor();
      await panel.getByRole("region", { name: "Input" }).getByText(MARKUP).waitFor();
      await panel.getByText(/bad input for countdown/).first().waitFor();
      assert.equal(await page.locator("img").count(), 0);
      assert.deepEqual(await findings(page), []);
      await page.keyboard.press("Escape");
      await panel.waitFor({ state: "hidden" });
      await page.waitForURL(`${worker.url}/#/tasks`);
      assert.equal(await page.locator(":focus").getAttribute("href"), `#/tasks/${id}`);
    });

    await step("tasks are filtered by state and found by words, and the address keeps that", async () => {
      await page.getByRole("button", { name: /^Failed/ }).click();
      await eventually("only those are shown", async () => {
        const states = await page.locator("tbody .chip").allTextContents();
        return states.length > 0 && states.every((state) => state === "failed");
      });
      assert.match(page.url(), /status=failed%2Ctimed_out$/);
      await page.getByRole("searchbox").fill("nothing like this");
      await page.getByText("No task matches.").waitFor();
      await page.getByRole("button", { name: "Show all tasks" }).click();
      await page.locator("tbody").getByText("succeeded").first().waitFor();
    });

    await step("an agent is restarted", async () => {
      const agent = () => worker.ask<AgentStatus>("GET", "/agents/well");
      await open("agents");
      const card = page.getByRole("article", { name: "Well" });
      await card.getByText("running", { exact: true }).waitFor();
      const before = (await agent()).pid;
      await card.getByRole("button", { name: "Restart Well" }).click();
      await page.getByRole("status").getByText("Well is restarting.").waitFor();
      await eventually("it has a new process", async () => {
        const { status, pid } = await agent();
        return status === "running" && pid !== before;
      });
      await card.getByText("running", { exact: true }).waitFor();
    });

    await step("an agent is given a goal, which waits in its queue", async () => {
      await page.getByRole("article", { name: "Well" }).getByRole("button", { name: "Give a goal" }).click();
      await page.getByLabel("Goal", { exact: true }).fill("Write ten hooks");
      await page.getByRole("button", { name: "Give it the goal" }).click();
      await page.getByRole("status").getByText("Well has a new goal.").waitFor();
      const goals = await worker.call<{ goal: string }[]>("actp_list_agent_tasks", { p_agent_type: "well" });
      assert.deepEqual(goals.map(({ goal }) => goal), ["Write ten hooks"]);
    });

    await step("an approval is given after its preview, another is rejected with a reason", async () => {
      const [first, second] = [
        await propose(worker, "a", "Post a video"),
        await propose(worker, "b", "Post another"),
      ];
      await open("approvals");
      const article = page.getByRole("article", { name: "Post a video" });
      await article.getByText(`A caption ${MARKUP}`).waitFor();
      await page.locator("#badge-approvals", { hasText: /^2 wait for you$/ }).waitFor();
      await article.getByRole("button", { name: "Approve: Post a video" }).click();
      await page.getByRole("button", { name: "Approve and do it" }).click();
      await article.waitFor({ state: "detached" });
      await page.getByRole("button", { name: "Reject: Post another" }).click();
      await page.getByLabel("Why").fill("too long");
      await page.getByRole("button", { name: "Reject it" }).click();
      await page.getByText("Nothing waits for your word.", { exact: false }).waitFor();
      const act = (id: string) => worker.ask<Record<string, unknown>>("GET", `/approvals/${id}`);
      assert.equal((await act(first)).status, "approved");
      const { status, decision_reason } = await act(second);
      assert.deepEqual([status, decision_reason], ["rejected", "too long"]);
    });

    await step("a routine is switched off, and the undo switches it on again", async () => {
      await open("schedule");
      const routine = page.locator('tr:has(a[href="#/schedule/morning"])');
      await routine.getByRole("button", { name: "Disable morning" }).click();
      await routine.getByText("off", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Undo" }).last().click();
      await routine.getByText("on", { exact: true }).waitFor();
      await routine.getByRole("button", { name: "Run now: morning" }).click();
      await routine.getByText("succeeded").waitFor();
    });

    await step("a task type is paused with a reason, and resumed", async () => {
      await open("queues");
      await page.getByRole("button", { name: "Pause a type" }).click();
      await page.getByRole("combobox", { name: "Task type" }).fill("safari_*");
      await page.getByLabel("Why").fill("logged out");
      await page.getByRole("button", { name: "Pause it" }).click();
      const type = page.locator('tr:has-text("safari_*")');
      await type.getByText("logged out").waitFor();
      await type.getByRole("button", { name: "Resume safari_*" }).click();
      await type.waitFor({ state: "detached" });
    });

    await step("`top` shows the same at a terminal, and gives it back", async () => {
      if ((await needs("python3")).ignore) return;
      const { code, shown } = await inTerminal(worker, ["top"], [
        [/worker-one {2}up .*TASKS/s, "f"],
        [/TASKS {2}waiting and running/, "?"],
        [/any key goes back/, "x"],
        [/TASKS {2}waiting and running/, "q"],
      ]);
      assert.equal(code, 0);
      assert.ok(shown.includes("\x1b[?1049h"));
      assert.ok(shown.trimEnd().endsWith("\x1b[?25h\x1b[?1049l"), shown.slice(-200));
    });

    await step("no view has a serious problem of accessibility, in light and in dark", async () => {
      for (const view of VIEWS) {
        await open(view);
        await page.emulateMedia({ colorScheme: "light" });
        assert.deepEqual(await findings(page), [], `${view}, light`);
        await page.emulateMedia({ colorScheme: "dark" });
        assert.deepEqual(await findings(page, ["color-contrast"]), [], `${view}, dark`);
      }
      await page.emulateMedia({ colorScheme: "light" });
    });

    await step("on a phone nothing is wider than the screen", async () => {
      await page.setViewportSize({ width: 360, height: 740 });
      for (const view of VIEWS) {
        await open(view);
        const wide = await page.evaluate<boolean>("document.documentElement.scrollWidth > innerWidth");
        assert.equal(wide, false, view);
      }
      await page.setViewportSize({ width: 1280, height: 900 });
    });

    await step("it asks while no events come, and listens as soon as they do", async () => {
      await context.route("**/events", (route) => route.abort());
      await page.reload();
      await open("overview");
      const feed = page.locator("#feed");
      await feed.getByText("Asking every 2 s").waitFor();
      const id = await enqueue(worker, { task_type: "countdown", input_data: { seconds: 60 } });
      await page.locator(`a[href="#/tasks/${id}"]`).waitFor();
      await context.unroute("**/events");
      await feed.getByText("Live").waitFor();
      await worker.ask("POST", `/tasks/${id}/cancel`, {});
      await page.locator(`a[href="#/tasks/${id}"]`).waitFor({ state: "detached" });
    });

    await step("it goes on after the worker was away and came back", async () => {
      await open("overview");
      await worker.stop();
      await page.locator("#state-word", { hasText: "Unreachable" }).waitFor();
      await worker.start();
      // The sessions ended with the old process.
      await page.getByText("actp-worker dashboard", { exact: true }).waitFor();
      await page.goto(await worker.signInUrl());
      await page.getByText("All is well").waitFor();
      const id = await enqueue(worker, { task_type: "countdown", input_data: { seconds: 60 } });
      await page.locator(`a[href="#/tasks/${id}"]`).waitFor();
    });

    await step("nothing was wrong in the console, and the content policy was not breached", () => {
      assert.deepEqual(problems, []);
      return Promise.resolve();
    });
    await context.close();
  } finally {
    await browser.close();
  }
}
