import type { Command } from 'commander'
import type { DoctorFinding } from '../../../../shared/contract/api/app.ts'
import { examineMachine, installTensorFlow } from '../../../jobs/doctor.ts'
import { lookForElectron } from '../../look-for-electron.ts'
import { resourcePath } from '../../resources.ts'
import type { Host } from '../host.ts'

/** `doctor`: what this machine can run. Ends with exit code 4 when something will not work. */
export function addDoctorCommand(program: Command, host: Host): void {
  program
    .command('doctor')
    .description('what this machine can run')
    .option('--install-tensorflow', 'fetch libtensorflow, which training needs, where it is missing')
    .action(
      host.action(async (services, { installTensorflow }: { installTensorflow?: boolean }) => {
        if (installTensorflow) await installTensorFlow(services)
        const findings = await examineMachine(services, {
          sampleModel: () => resourcePath('sample/digits-cnn.onnx'),
          shell: lookForElectron,
        })
        host.print({ findings, environment: services.environment }, () => doctorText(findings))
        if (findings.some((finding) => finding.state === 'failed')) host.endWith(4)
      }),
    )
}

const MARK = { ok: '✓', warning: '!', failed: '✗' } as const

function doctorText(findings: readonly DoctorFinding[]): string {
  const width = Math.max(...findings.map((finding) => finding.subject.length))
  return findings.map(({ state, subject, detail }) => `${MARK[state]} ${subject.padEnd(width)}  ${detail}`).join('\n')
}
