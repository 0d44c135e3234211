export { NEWEST_OPSET, OLDEST_OPSET, upgradeOpset } from './upgrade-opset.ts'
