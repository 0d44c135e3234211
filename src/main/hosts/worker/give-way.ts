import os from 'node:os'

/**
 * Lets a process that was just started have the processor only where nobody else wants it, and with it all threads it will start (those of
 * Linux inherit the priority of the one that starts them). Alone on its cores it is as fast as any other, so that times measured in it hold.
 */
export function giveWay(pid: number): void {
  try {
    os.setPriority(pid, os.constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // it has ended already, or this system does not allow it: it runs as any other
  }
}
