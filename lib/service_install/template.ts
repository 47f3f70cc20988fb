/** Filling the service definitions, which are embedded in the program as text. Pure. */
import userUnit from "../../systemd/actp-worker-user.service" with { type: "text" };
import systemUnit from "../../systemd/actp-worker-system.service" with { type: "text" };
import propertyList from "../../launchd/com.actp.worker.plist" with { type: "text" };

/** The service definitions as they are shipped. */
export const TEMPLATES = { userUnit, systemUnit, propertyList } as const;

/**
 * Replaces every `{{name}}` by its value.
 * @throws Error for a name that has no value, and for a value that the template does not ask for
 */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  const unused = new Set(Object.keys(values));
  const text = template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    if (!Object.hasOwn(values, name)) {
      throw new Error(`The service template asks for ${name}, which is not known`);
    }
    unused.delete(name);
    return values[name]!;
  });
  if (unused.size > 0) throw new Error(`The service template does not ask for ${[...unused].join(", ")}`);
  return text;
}
