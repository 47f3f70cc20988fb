// The dashboard: asks the worker once a second while it is looked at, and changes only what has changed, so that
// focus, selection and screen readers are left in peace. Text is only ever set as text.

const REFRESH_MS = 1000;
const element = (id) => document.getElementById(id);

/** Answers JSON; throws {status, message} for anything but success. Status 0: the worker cannot be reached. */
async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
  } catch {
    throw { status: 0, message: "The worker does not answer. Is it running?" };
  }
  const answer = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  throw {
    status: response.status,
    message: answer?.error?.message ?? `The worker answered ${response.status}.`,
  };
}

function make(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setState(node, state) {
  setText(node, state.replaceAll("_", " "));
  if (node.dataset.state !== state) node.dataset.state = state;
}

function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** Makes the children of `parent` match `items`, keeping the nodes of those that stay. */
function reconcile(parent, items, keyOf, create, update) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  let at = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let node = old.get(key);
    old.delete(key);
    if (!node) {
      node = create(item);
      node.dataset.key = key;
    }
    if (node === at) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
    update(node, item);
  }
  for (const gone of old.values()) gone.remove();
}

function showFacts(status) {
  const facts = [
    ["Name", status.worker_id],
    ["Version", status.version],
    ["Up for", duration(status.uptime_seconds)],
    ["Database", status.database],
    ["Running", `${status.active_tasks} of ${status.max_concurrent}`],
    ["Done, in all", status.tasks_completed ?? "unknown"],
    ["Failed, in all", status.tasks_failed ?? "unknown"],
    ["Outcomes not yet reported", status.unreported_outcomes],
    ["Task types", status.capabilities.join(", ") || "none"],
  ];
  const create = ([name]) => make("div", "", make("dt", "", name), make("dd"));
  reconcile(element("facts"), facts, ([name]) => name, create, (node, fact) => {
    setText(node.lastChild, String(fact[1]));
  });
}

function showRunning(tasks) {
  const create = (task) => {
    const bar = make("progress");
    bar.max = 100;
    bar.setAttribute("aria-label", `Progress of ${task.task_type}`);
    return make("li", "card", make("strong"), make("span", "quiet"), bar, make("span", "quiet"));
  };
  reconcile(element("running"), tasks, (task) => task.task_id, create, (node, task) => {
    const [name, time, bar, message] = node.children;
    const { percent, message: said, remainingSeconds: left } = task.progress ?? {};
    setText(name, task.task_type);
    setText(time, `attempt ${task.attempt}, ${duration(task.elapsed_seconds)}`);
    if (percent === undefined) bar.removeAttribute("value");
    else bar.value = percent;
    const parts = [percent === undefined ? "" : `${Math.round(percent)} %`, said ?? ""];
    if (left !== undefined) parts.push(`${duration(left)} left`);
    setText(message, parts.filter(Boolean).join(" · "));
  });
  element("none-running").hidden = tasks.length > 0;
}

/** What a person can do about a task, if anything. */
function actionFor(task) {
  if (task.status === "pending") return "cancel";
  if (task.status === "claimed" || task.status === "running") {
    return task.cancel_requested_at ? undefined : "cancel";
  }
  return task.status === "succeeded" ? undefined : "retry";
}

function taskRow(task) {
  const button = make("button");
  button.type = "button";
  button.addEventListener("click", () => act(button, task.id));
  const row = make(
    "tr",
    "",
    make("td", "", make("span", "status")),
    ...Array.from({ length: 4 }, () => make("td")),
  );
  row.append(make("td", "", button));
  // The narrow layout changes `display`, which would take the table's meaning away.
  row.setAttribute("role", "row");
  for (const cell of row.children) cell.setAttribute("role", "cell");
  return row;
}

function showTasks(tasks) {
  reconcile(element("tasks"), tasks, (task) => task.id, taskRow, (row, task) => {
    const [status, type, attempts, age, error, action] = row.children;
    setState(status.firstChild, task.status);
    setText(type, task.task_type);
    setText(attempts, `${task.attempts} of ${task.max_attempts}`);
    setText(age, duration((Date.now() - Date.parse(task.created_at)) / 1000));
    setText(
      error,
      shorten(task.cancel_requested_at && task.status === "running" ? "being cancelled" : task.error ?? ""),
    );
    const button = action.firstChild;
    const what = actionFor(task);
    button.hidden = what === undefined;
    if (what === undefined || button.dataset.action === what) return;
    button.dataset.action = what;
    setText(button, what === "cancel" ? "Cancel" : "Retry");
    button.setAttribute("aria-label", `${button.textContent} ${task.task_type} ${task.id.slice(0, 8)}`);
  });
  element("no-tasks").hidden = tasks.length > 0;
}

function shorten(text) {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

async function act(button, id) {
  button.disabled = true;
  try {
    await ask("POST", `/tasks/${id}/${button.dataset.action}`);
    showNotice("");
    await refresh();
  } catch (error) {
    showNotice(error.message);
  } finally {
    button.disabled = false;
  }
}

function showNotice(text) {
  setText(element("notice"), text);
  element("notice").hidden = text === "";
}

async function refresh() {
  const [status, page] = await Promise.allSettled([ask("GET", "/status"), ask("GET", "/tasks?limit=50")]);
  if (status.status === "rejected") throw status.reason;
  const { value } = status;
  // The worker may be well while its database is not: each part shows what it has.
  const reasons = [...value.reasons, ...(page.status === "rejected" ? [page.reason.message] : [])];
  setState(element("state"), value.status);
  document.title = value.status === "online" ? "actp-worker" : `${value.status} – actp-worker`;
  reconcile(element("reasons"), reasons, (reason) => reason, () => make("li"), setText);
  element("reasons").hidden = reasons.length === 0;
  showFacts(value);
  showRunning(value.current_tasks);
  if (page.status === "fulfilled") showTasks(page.value.tasks);
  element("live").hidden = false;
  element("sign-in").hidden = true;
}

function showFailure(error) {
  if (error.status === 401) {
    setState(element("state"), "not_signed_in");
    element("live").hidden = true;
    element("sign-in").hidden = false;
    return;
  }
  const state = error.status === 0 ? "unreachable" : "failed";
  setState(element("state"), state);
  document.title = `${state} – actp-worker`;
}

/** Trades the one-time code in the address for a session; the code leaves the address and the history first. */
async function signIn() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (!code) return;
  history.replaceState(null, "", location.pathname);
  await ask("POST", "/session", { code });
  showNotice("");
}

async function watch() {
  while (true) {
    if (document.hidden) {
      await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
      continue;
    }
    await refresh().catch(showFailure);
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
}

const enter = () => signIn().catch((error) => showNotice(error.message));
// A new link opened in the same tab changes only the fragment.
addEventListener("hashchange", enter);
await enter();
await watch();
