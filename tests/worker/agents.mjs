// User agents as they are sent, of those who look at prompts and of those who do not.

/** Robots, by what they call themselves. */
export const ROBOTS = `
Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.6778.69 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)
Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)
Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)
Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)
facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)
facebookexternalhit/1.1
Twitterbot/1.0
WhatsApp/2.23.20.0
TelegramBot (like TwitterBot)
LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)
Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)
Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)
Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)
CCBot/2.0 (https://commoncrawl.org/faq/)
Bytespider
ia_archiver
Scrapy/2.11.2 (+https://scrapy.org)
Go-http-client/1.1 (compatible; ExampleCrawler/1.0; +https://example.com/crawler)
python-requests/2.31 examplebot
Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)
Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Chrome-Lighthouse
`.trim().split("\n");

/** Browsers that programs steer. */
export const STEERED = `
Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36
Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1
Mozilla/5.0 (linux) AppleWebKit/537.36 (KHTML, like Gecko) jsdom/25.0.1
`.trim().split("\n");

/** Browsers, on desktops and phones, alone and within applications. */
export const BROWSERS = `
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0
Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:133.0) Gecko/20100101 Firefox/133.0
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15
Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 OPR/116.0.0.0
Mozilla/5.0 (Linux; Android 14; SM-S928B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36
Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36
Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0
Mozilla/5.0 (iPhone; CPU iPhone OS 18_1_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1.1 Mobile/15E148 Safari/604.1
Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1
Mozilla/5.0 (iPhone; CPU iPhone OS 18_0_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22A3370 Instagram 358.0.5.25.107 (iPhone15,3; iOS 18_0_1; en_US; en; scale=3.00; 1290x2796; 659775388)
Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21G93 [FBAN/FBIOS;FBAV/490.0.0.36.98;FBBV/660126343;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/17.6.1;FBSS/3;FBID/phone;FBLC/en_US;FBOP/5]
Mozilla/5.0 (Linux; Android 14; SM-A546B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130.0.6723.107 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/490.0.0.55.74;]
Mozilla/5.0 (Linux; Android 13; 22101316G Build/TP1A.220624.014; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130.0.6723.102 Mobile Safari/537.36 musical_ly_2023609040 JsSdk/1.0 NetType/WIFI Channel/googleplay AppName/musical_ly app_version/36.9.4 ByteLocale/en
Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50(0x18003230) NetType/WIFI Language/zh_CN
Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 LinkedInApp/9.30
Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/131.0 Mobile Safari/537.36 GSA/15.46
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Slack/4.41.97 Chrome/130 Electron/33.2 Safari/537.36
`.trim().split("\n");

/** Programs that act for people. */
export const CLIENTS = `
curl/8.5.0
Wget/1.21.3
HTTPie/3.2.2
node
undici
node-fetch
node-fetch/1.0 (+https://github.com/bitinn/node-fetch)
axios/1.7.9
got (https://github.com/sindresorhus/got)
node-superagent/3.8.3
Deno/2.1.4
Bun/1.1.38
supabase-js/2.119
Cloudflare-Workers
Vercel Edge Functions
PostmanRuntime/7.43.0
insomnia/10.3.0
python-requests/2.32.3
python-httpx/0.27.0
Python/3.12 aiohttp/3.9.1
Python-urllib/3.11
okhttp/4.12.0
PromptLibrary/1.2 okhttp/4.12.0
PromptLibrary/1.0
prompt-library
Java/17.0.2
Apache-HttpClient/4.5.13 (Java/11.0.20)
Go-http-client/1.1
GuzzleHttp/7
Symfony HttpClient/Curl
PHP/8.2
Ruby
rest-client/2.1.0 (linux x86_64) ruby/3.2
libwww-perl/6.7
reqwest/0.12.4
Dart/3.5 (dart:io)
MyApp/1 CFNetwork/1408.0.4 Darwin/22.5.0
Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UD1A)
RestSharp/110.2.0.0
k6/0.49
`.trim().split("\n");
