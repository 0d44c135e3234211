import { createRequire } from 'node:module'
import fs from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { examineMachine, type DoctorFinding } from '../../../jobs/doctor.ts'
import { resourcePath } from '../../resources.ts'
import type { Host } from '../host.ts'

/** `doctor`: what this machine can run. Ends with exit code 4 when something will not work. */
export function addDoctorCommand(program: Command, host: Host): void {
  program
    .command('doctor')
    .description('what this machine can run')
    .action(
      host.action(async (services) => {
        const findings = await examineMachine(services, {
          sampleModel: () => resourcePath('sample/digits-cnn.onnx'),
          shell: lookForElectron,
        })
        host.print({ findings, environment: services.environment }, () => doctorText(findings))
        if (findings.some((finding) => finding.state === 'failed')) host.endWith(4)
      }),
    )
}

/** Electron fetches its binary on demand; until then the command line works all the same. */
function lookForElectron(): DoctorFinding {
  try {
    const folder = path.dirname(createRequire(import.meta.url).resolve('electron/package.json'))
    const binary = path.join(folder, 'dist', fs.readFileSync(path.join(folder, 'path.txt'), 'utf8').trim())
    if (fs.existsSync(binary)) return { subject: 'desktop', state: 'ok', detail: `Electron at ${binary}.` }
  } catch {
    // not installed, or its binary was never fetched: both mean the same to the user
  }
  return {
    subject: 'desktop',
    state: 'warning',
    detail: 'Electron’s binary is not here; the command line works without it.',
  }
}

const MARK = { ok: '✓', warning: '!', failed: '✗' } as const

function doctorText(findings: readonly DoctorFinding[]): string {
  const width = Math.max(...findings.map((finding) => finding.subject.length))
  return findings.map(({ state, subject, detail }) => `${MARK[state]} ${subject.padEnd(width)}  ${detail}`).join('\n')
}
