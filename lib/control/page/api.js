// Asking the worker, and what becomes of what a person does: under way, failed (shown where it was done), undone.
import { changed, state } from "./store.js";

const TIMEOUT_MS = 15_000;

/** Answers JSON; throws {status, message} for anything but success. Status 0: the worker cannot be reached. */
export async function ask(method, path, body) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["Idempotency-Key"] = newKey();
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw { status: 0, message: "The worker does not answer. Is it running?" };
  }
  const answer = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  const message = answer?.error?.message ?? `The worker answered ${response.status}.`;
  throw { status: response.status, message };
}

/** A click that reaches the worker twice is done once. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

const busy = new Set();
const failures = new Map();

/** Whether something is being done at this place of the page. */
export function isBusy(place) {
  return busy.has(place);
}

/** Why the last act there failed. */
export function failureOf(place) {
  return failures.get(place);
}

/** Forgets why. */
export function forget(place) {
  if (failures.delete(place)) changed();
}

/** Does something on behalf of a place of the page; whether it was done. One thing at a time there. */
export async function act(place, work) {
  if (busy.has(place)) return false;
  busy.add(place);
  failures.delete(place);
  changed();
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof Error) throw error;
    failures.set(place, error.message);
    return false;
  } finally {
    busy.delete(place);
    changed();
  }
}

const TOAST_MS = 8000;

/** Says for a few seconds what was done; `undo` takes it back. */
export function said(text, undo) {
  const toast = { id: newKey(), text, undo };
  state.toasts = [...state.toasts.slice(-2), toast];
  changed();
  setTimeout(() => dismiss(toast.id), TOAST_MS);
}

/** Takes a toast away. */
export function dismiss(id) {
  state.toasts = state.toasts.filter((toast) => toast.id !== id);
  changed();
}
