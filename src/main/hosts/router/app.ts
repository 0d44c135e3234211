import type { AppEvent } from '../../../shared/contract/api/app.ts'
import { examineMachine } from '../../jobs/doctor.ts'
import type { Application } from '../application.ts'
import { os } from './base.ts'

/** What is for all windows, and what is for this one. */
async function* heardBy(window: number | undefined, events: AsyncIterable<AppEvent>): AsyncGenerator<AppEvent> {
  for await (const event of events)
    if (!('window' in event) || event.window === undefined || event.window === window) yield event
}

/** `app.*`: the application itself. */
export function appRouter(app: Application) {
  return os.app.router({
    info: os.app.info.handler(() => app.info),
    settings: {
      get: os.app.settings.get.handler(() => app.settings),
      set: os.app.settings.set.handler(({ input }) => app.changeSettings(input)),
    },
    events: os.app.events.handler(({ signal, context }) =>
      heardBy(
        context.window,
        app.events.follow([{ kind: 'ready', session: app.session }, ...app.takeWaiting()], signal),
      ),
    ),
    doctor: os.app.doctor.handler(async ({ signal }) => ({
      findings: await examineMachine(app.deskServices(signal), {
        sampleModel: () => app.sampleModel(),
        shell: app.host.shell,
      }),
    })),
  })
}
