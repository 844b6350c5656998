/** What must stay where it is: the words of an account, a password, a webhook's address, and the keys that are made. */

export const SECRET_KEY = 'sk-3f9a17-secret-that-must-stay'
export const TOKEN = 'tk-c05e42-token-that-must-stay'
export const PASSWORD = 'pw-81bd60-password-of-a-key'
export const PROXY_LOGIN = 'pl-2a7d95-login-of-a-proxy'
export const WEBHOOK_PATH = 'wh-6e1c38-address-of-a-webhook'

export const ACCOUNTS = { tester: { secretKey: SECRET_KEY, token: TOKEN } }
export const CREDENTIALS = {
  TENCENTCLOUD_SECRET_ID: 'tester',
  TENCENTCLOUD_SECRET_KEY: SECRET_KEY,
  TENCENTCLOUD_TOKEN: TOKEN,
}
export const SECRETS = [SECRET_KEY, TOKEN, PASSWORD, PROXY_LOGIN] as const
