/**
 * The AppleScript that drives Safari. It never changes: what varies comes as arguments of `on run argv`, which are
 * data, so nothing from a task is ever part of a program.
 */

/** Seconds that Safari has to answer one event. */
export const APPLE_EVENT_SECONDS = 40;

/** The number of the error that says that Safari has opened no window. */
export const NO_WINDOW = 9001;

/**
 * Given to osascript on stdin. Arguments: `open URL` prints the new window's id; `run WINDOW JAVASCRIPT` prints what
 * the JavaScript yields; `close WINDOW`.
 *
 * `make new document` answers with the document's name, which others may have too, so the window is found by its id.
 */
export const SAFARI_SCRIPT = `on run argv
  if item 1 of argv is "open" then return my openPage(item 2 of argv)
  if item 1 of argv is "run" then return my runScript(item 2 of argv as integer, item 3 of argv)
  if item 1 of argv is "close" then return my closePage(item 2 of argv as integer)
  error "unknown command"
end run

on openPage(theAddress)
  with timeout of ${APPLE_EVENT_SECONDS} seconds
    tell application "Safari"
      set knownIds to id of every window
      make new document with properties {URL:theAddress}
      repeat 50 times
        set openIds to id of every window
        repeat with theId in openIds
          if knownIds does not contain (contents of theId) then return (contents of theId) as text
        end repeat
        delay 0.1
      end repeat
    end tell
  end timeout
  error "Safari opened no window" number ${NO_WINDOW}
end openPage

on runScript(theWindow, theScript)
  with timeout of ${APPLE_EVENT_SECONDS} seconds
    tell application "Safari"
      return do JavaScript theScript in tab 1 of window id theWindow
    end tell
  end timeout
end runScript

on closePage(theWindow)
  with timeout of ${APPLE_EVENT_SECONDS} seconds
    tell application "Safari"
      set openIds to id of every window
      if openIds contains theWindow then close window id theWindow
    end tell
  end timeout
end closePage
`;
