/**
 * Makes the pictures of the dashboard in docs/pictures: `deno run -A scripts/screenshots.ts [--out FOLDER] [--all]`.
 * Starts a real worker with an agent, lets it do real tasks, and takes a browser's pictures of it. What it did in the
 * hours before is filled in, so that the charts have something to show. `--all`: of every view.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PGlite } from "@electric-sql/pglite";
import type { Browser, Page } from "playwright-core";
import { selfCommand } from "../lib/daemon/self.ts";
import { openEmbedded } from "../lib/database/embedded.ts";
import { findProgram, runProgram } from "../lib/process.ts";
import { type AnthropicServer, anthropicServer } from "../lib/testing/anthropic_server.ts";
import { startBrowser } from "../lib/testing/browser.ts";
import { type DashboardWorker, dashboardWorker } from "../lib/testing/dashboard.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: "docs/pictures" },
    all: { type: "boolean", default: false },
  },
});
const DESKTOP = { width: 1280, height: 1040 };
const PHONE = { width: 390, height: 844 };
const VIEWS = ["overview", "tasks", "agents", "approvals", "schedule", "queues"];

/** A day's tasks: more by day than by night, a few of them without success. */
const PAST = `
insert into public.actp_workflow_tasks (task_type, status, input_data, output_data, error, created_at, run_at, claimed_at, started_at,
    completed_at, claimed_by, attempts, fence)
  select ('{ffmpeg_process,ffmpeg_process,render_preview,sync_archive}'::text[])[1 + n % 4],
    case when n % 173 = 0 then 'failed' when n % 211 = 0 then 'cancelled' else 'succeeded' end,
    jsonb_build_object('input', 'clip-' || n || '.mov'), case when n % 173 <> 0 then '{"bytes": 481033}'::jsonb end,
    case when n % 173 = 0 then 'ffmpeg exited with status 1: clip-' || n || '.mov: moov atom not found' end, at, at,
    at + interval '120 milliseconds' * (1 + n % 7), at + interval '120 milliseconds' * (1 + n % 7),
    at + interval '1 second' * (2 + (n * 37) % 4 + 5 * sin(n / 60.0) ^ 2), 'studio', 1, 1
  from (select n, now() - interval '40 seconds' - interval '1 day' * n / 5000.0 - interval '70 seconds' * (1 + sin(n * 1.7)) as at
    from generate_series(1, 5000) n where n < 900 or sin(n / 5000.0 * 6.28 + 0.8) > -0.2 or n % 4 = 0) s order by n desc;
insert into public.actp_task_counts (minute, worker_id, task_type, status, tasks)
  select date_trunc('minute', completed_at), claimed_by, task_type, status, count(*)
  from public.actp_workflow_tasks where completed_at is not null group by 1, 2, 3, 4;
insert into public.actp_task_attempts (task_id, fence, attempt, worker_id, started_at, ended_at, outcome, error, log_tail)
  select id, fence, 1, claimed_by, claimed_at, completed_at, 'failed', error, 'Invalid data found when processing input'
  from public.actp_workflow_tasks where status = 'failed';
`;

async function fillPast(home: string): Promise<void> {
  const folder = join(home, "db");
  const database = await openEmbedded(folder);
  await database.migrate();
  await database.close();
  const raw = await PGlite.create({ dataDir: join(folder, "data") });
  await raw.exec(PAST);
  await raw.close();
  await makeClip(join(home, "files"));
}

/** A long test picture, so that its transcode takes a while. */
async function makeClip(folder: string): Promise<void> {
  const ffmpeg = await findProgram("ffmpeg");
  if (!ffmpeg) throw new Error("ffmpeg is not installed: apt-get install ffmpeg");
  await Deno.mkdir(folder, { recursive: true });
  const source = ["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30", "-t", "60"];
  const args = [
    "-v",
    "error",
    ...source,
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    join(folder, "keynote.mp4"),
  ];
  const { code, stderrTail } = await runProgram({
    program: ffmpeg,
    args,
    signal: AbortSignal.timeout(120_000),
  });
  if (code !== 0) throw new Error(`ffmpeg could not make the clip: ${stderrTail.at(-1)}`);
}

const HOOKS = [
  "Your calendar is lying to you",
  "Five minutes that save an hour",
  "Stop answering first",
  "The meeting that should be a list",
  "One tab, one hour",
  "What calm teams do on Monday",
  "Say no without saying no",
  "The two-line status",
  "Why your best hour is your first",
  "Close the day before it closes you",
];

/** What the agent's model answers: it looks, it writes, and then it thinks for as long as the pictures take. */
function model(): AnthropicServer {
  return anthropicServer(({ messages }) => {
    switch (messages.filter(({ role }) => role === "assistant").length) {
      case 0:
        return {
          say: "I look at what did well before I write anything new.",
          calls: [{ name: "viral_templates", input: {} }, { name: "top_niches", input: {} }],
        };
      case 1:
        return {
          say: "Calm, practical hooks did best. I write ten in that manner and keep them as drafts.",
          calls: [{
            name: "save_scripts",
            input: {
              niche: "calm productivity",
              platform: "tiktok",
              scripts: HOOKS.map((hook) => ({ hook, body: "Show it, name it, give one step to try today." })),
            },
          }],
        };
      default:
        return { hangAfter: "The drafts are saved. I rate their hooks next." };
    }
  });
}

function config(): Record<string, unknown> {
  const countdown = selfCommand(["demo-task", "countdown"]);
  const command = (name: string) => ({
    name,
    program: countdown.program,
    args: [...countdown.args, "{seconds}"],
    input: { seconds: { type: "number", min: 0, max: 600 } },
    env: ["DENO_DIR"],
  });
  return {
    workerId: "studio",
    maxConcurrent: 4,
    commands: [command("render_preview"), command("sync_archive")],
    routines: [
      {
        id: "archive-nightly",
        cron: "30 2 * * *",
        task: "sync_archive",
        input: { seconds: 1 },
        description: "Sync the day's renders to the archive",
      },
      {
        id: "previews",
        everySeconds: 1800,
        task: "render_preview",
        input: { seconds: 1 },
        description: "Render what was edited",
      },
    ],
  };
}

const ACTS = [
  {
    kind: "post",
    platform: "tiktok",
    account: "@calm.studio",
    summary: "Post “Your calendar is lying to you” to TikTok",
    preview: {
      caption:
        "Your calendar is lying to you. Block the first hour for what matters, and let the rest wait.\n\n#focus #calmwork",
      video: "renders/calendar-final.mp4",
      publish_at: "tomorrow, 08:30",
    },
  },
  {
    kind: "message",
    platform: "linkedin",
    account: "Calm Studio",
    summary: "Answer Mira Okafor about the workshop",
    preview: {
      text:
        "Hi Mira, the 12th suits us. Shall we take the morning, so that your team has the afternoon to try it?",
    },
  },
];

async function work(worker: DashboardWorker): Promise<void> {
  const transcode = (output: string) => ({
    task_type: "ffmpeg_process",
    input_data: { operation: "transcode", input: "keynote.mp4", format: "webm", output },
  });
  await worker.ask("POST", "/tasks", [
    { task_type: "render_preview", input_data: { seconds: 95 } },
    { task_type: "sync_archive", input_data: { seconds: 240 } },
    transcode("keynote.webm"),
    ...Array.from({ length: 6 }, (_, n) => ({ ...transcode(`clip-${n}.webm`), priority: -1 })),
  ]);
  for (const [n, act] of ACTS.entries()) {
    const p_act = {
      ...act,
      source: "agent",
      task_id: `run-${n}`,
      digest: `digest-${n}`,
      agent_id: "content-agent",
    };
    await worker.call("actp_request_act", { p_act, p_worker_id: "studio", p_expires_seconds: 86_400 });
  }
  await worker.ask("POST", "/queues/limit", { pattern: "render_*", max_running: 2 });
  await worker.ask("POST", "/queues/pause", { pattern: "safari_*", reason: "the account is being checked" });
  await worker.ask("POST", "/agents/task", {
    agent_type: "content",
    goal: "Write ten hooks for calm teams and keep them as drafts",
  });
}

async function open(
  browser: Browser,
  worker: DashboardWorker,
  colorScheme: "light" | "dark",
  viewport: typeof PHONE,
): Promise<Page> {
  const context = await browser.newContext({
    viewport,
    colorScheme,
    deviceScaleFactor: viewport === PHONE ? 1.5 : 1.25,
  });
  const page = await context.newPage();
  await page.goto(await worker.signInUrl());
  await page.locator(".chart .bar").first().waitFor();
  await page.getByText("ffmpeg_process").first().waitFor();
  return page;
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

async function shoot(page: Page, name: string): Promise<void> {
  const path = join(values.out, `dashboard-${name}.png`);
  await page.waitForTimeout(700);
  await page.screenshot({ path });
  const { size } = await Deno.stat(path);
  print(`${path} ${Math.round(size / 1000)} KB`);
}

await using api = model();
await using worker = await dashboardWorker(config(), {
  ENABLE_CONTENT_AGENT: "yes",
  ANTHROPIC_API_KEY: api.key,
  ANTHROPIC_BASE_URL: api.url,
  AGENT_DAILY_BUDGET_USD: "0.05",
}, fillPast);
await work(worker);
const browser = await startBrowser();
try {
  await Deno.mkdir(values.out, { recursive: true });
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  for (const scheme of ["light", "dark"] as const) {
    const page = await open(browser, worker, scheme, DESKTOP);
    await shoot(page, scheme);
    if (values.all) await shootAll(page, worker, scheme);
    await page.context().close();
  }
  const phone = await open(browser, worker, "light", PHONE);
  await shoot(phone, "phone");
  if (values.all) await shootAll(phone, worker, "phone");
} finally {
  await browser.close();
}

async function shootAll(page: Page, worker: DashboardWorker, name: string): Promise<void> {
  for (const view of VIEWS.slice(1)) {
    await page.goto(`${worker.url}/#/${view}`);
    await shoot(page, `${name}-${view}`);
  }
  const { tasks: [failed] } = await worker.ask<{ tasks: [{ id: string }] }>(
    "GET",
    "/tasks?status=failed&limit=1",
  );
  await page.goto(`${worker.url}/#/tasks/${failed.id}`);
  await shoot(page, `${name}-task`);
  await page.goto(`${worker.url}/#/agents/content-agent`);
  await shoot(page, `${name}-agent`);
}
