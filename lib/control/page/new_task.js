// Adding a task by hand.
import { ask, said } from "./api.js";
import { confirm } from "./dialogs.js";
import { shortId } from "./format.js";
import { touched } from "./live.js";
import { state } from "./store.js";

/** Asks for a type and its input, and enqueues it. */
export function newTask() {
  const types = state.status?.capabilities ?? [];
  confirm({
    heading: "New task",
    fields: [
      {
        name: "task_type",
        label: "Type",
        required: true,
        list: types,
        hint: types.length > 0
          ? `This worker does ${types.slice(0, 6).join(", ")}${types.length > 6 ? " …" : "."}`
          : undefined,
      },
      { name: "input", label: "Input", kind: "area", value: "{}", hint: "JSON, as the type asks for it." },
      { name: "priority", label: "Priority", kind: "number", value: "0", hint: "Higher goes first." },
    ],
    yes: "Add it",
    work: async ({ task_type, input, priority }) => {
      const task = {
        task_type: task_type.trim(),
        input_data: readInput(input),
        priority: Number(priority) || 0,
      };
      const answer = await ask("POST", "/tasks", task);
      const [{ id }] = Array.isArray(answer) ? answer : answer.tasks ?? [answer];
      said(`${task.task_type} ${shortId(id)} is in the queue.`, async () => {
        await ask("POST", `/tasks/${id}/cancel`, {});
        touched(id);
      });
      touched(id);
    },
  });
}

function readInput(text) {
  try {
    return JSON.parse(text.trim() || "{}");
  } catch (error) {
    throw { message: `The input is not JSON: ${error.message}` };
  }
}
