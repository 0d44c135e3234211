import { downloadText } from '../components/desk/download.ts'
import { useAppStore } from './app.ts'
import { client } from './client.ts'
import { useFilesStore } from './files.ts'

/**
 * Gives the user a text as a file: where the host has dialogs it is asked where to, else the browser keeps it with its downloads.
 * @returns where it is, as a sentence; null where the dialog was closed
 */
export async function saveText(fileName: string, mime: string, text: string, title: string): Promise<string | null> {
  if (useAppStore().info?.nativeDialogs !== true) {
    downloadText(fileName, mime, text)
    return `${fileName} is with your downloads.`
  }
  const path = await useFilesStore().chooseTarget(fileName, title)
  if (path === null) return null
  // the dialog has asked already whether to replace
  await client().files.writeText({ path, text, force: true })
  return `Saved as ${path}.`
}
