import { downloadFrom } from '../components/desk/download.ts'
import { client } from './client.ts'

/** Hands a file that the host has written to the user: the browser downloads it, the desktop shows it in its folder. */
export async function handOver(path: string): Promise<void> {
  const link = await client().files.download({ path })
  if (link === null) return client().files.reveal({ path })
  downloadFrom(link.url, link.fileName)
}
