"""Words of many languages for counts: magnitudes, numerals, what is counted, and what is measured or paid.

Words stand apart by blanks; `_` in a word is a blank, and `*` at its end stands for any ending. A language is added by
its line in each table.
"""

from __future__ import annotations

MAGNITUDES: dict[int, dict[str, str]] = {
    100: {"en": "hundred hundreds"},
    10**3: {
        "en": "thousand thousands",
        "de": "tausend tausende tausenden tsd",
        "fr": "mille milliers",
        "es": "mil miles",
        "pt": "mil milhares",
        "it": "mila migliaia",
        "nl": "duizend duizenden",
        "nordic": "tusen tusentals tusind tusinde",
        "fi": "tuhat tuhatta tuhannen",
        "pl": "tysiąc tysiące tysięcy tys",
        "cs": "tisíc tisíce tisícov tis",
        "hu": "ezer",
        "ro": "mii",
        "ru": "тысяча тысячи тысяч тысячу тыс",
        "uk": "тисяча тисячі тисяч тисячу тис",
        "bg": "хиляди хиляда хиљада хиљаде hiljada hiljade tisuća",
        "el": "χιλιάδες χιλιάδων χίλια",
        "tr": "bin",
        "kk": "мың ming",
        "ar": "ألف الف آلاف الاف",
        "fa": "هزار هزارها ہزار",
        "he": "אלף אלפי",
        "hi": "हज़ार हजार हज़ारों हजारों hazar hazaar",
        "bn": "হাজার",
        "ta": "ஆயிரம்",
        "te": "వేల వేలు వేయి",
        "kn": "ಸಾವಿರ ആയിരം",
        "gu": "હજાર ਹਜ਼ਾਰ",
        "ja": "千 천",
        "th": "พัน",
        "vi": "nghìn ngàn nghin ngan",
        "id": "ribu rb",
        "fil": "libo libong",
        "sw": "elfu",
    },
    10**4: {"de": "zehntausend", "it": "diecimila", "ja": "万 萬 만", "th": "หมื่น"},
    10**5: {
        "en": "lakh lakhs lac lacs",
        "de": "hunderttausend",
        "it": "centomila",
        "hi": "लाख लाखों lakh lakhon",
        "fa": "لاکھ",
        "bn": "লাখ লক্ষ",
        "ta": "லட்சம் லட்ச இலட்சம்",
        "te": "లక్ష లక్షల లక్షలు",
        "kn": "ಲಕ್ಷ ലക്ഷം",
        "gu": "લાખ ਲੱਖ",
        "id": "seratus_ribu",
        "th": "แสน",
    },
    10**6: {
        "en": "million millions",
        "de": "million millionen mio",
        "fr": "million millions",
        "es": "millón millones millon",
        "pt": "milhão milhões milhao milhoes",
        "it": "milione milioni",
        "nl": "miljoen miljoenen mln",
        "nordic": "miljon miljoner milj million millioner",
        "fi": "miljoona miljoonaa",
        "pl": "milion miliony milionów mln",
        "cs": "milión milióny milionu milionů miliónov",
        "hu": "millió milliós",
        "ro": "milion milioane",
        "ru": "миллион миллиона миллионов миллионы миллиону млн лям ляма",
        "uk": "мільйон мільйона мільйонів мільйони",
        "bg": "милион милиона милиони milijun milijuna miliona",
        "el": "εκατομμύριο εκατομμύρια εκατομμυρίων",
        "tr": "milyon milyonluk",
        "ar": "مليون ملايين مليونين",
        "fa": "میلیون میلیونی ملین",
        "he": "מיליון מליון מיליוני",
        "hi": "मिलियन",
        "bn": "মিলিয়ন",
        "ta": "மில்லியன்",
        "te": "మిలియన్",
        "ja": "ミリオン 밀리언",
        "th": "ล้าน",
        "vi": "triệu trieu",
        "id": "juta jt sejuta",
        "fil": "milyon milyong",
        "sw": "milioni",
    },
    10**7: {
        "en": "crore crores",
        "hi": "करोड़ करोड करोड़ों कोटी crore karod",
        "fa": "کروڑ",
        "bn": "কোটি",
        "ta": "கோடி",
        "te": "కోటి కోట్ల కోట్లు",
        "kn": "ಕೋಟಿ കോടി",
        "gu": "કરોડ ਕਰੋੜ",
    },
    10**8: {"ja": "億 亿 억"},
    10**9: {
        "en": "billion billions",
        "de": "milliarde milliarden mrd",
        "fr": "milliard milliards",
        "pt": "bilhão bilhões bilhao",
        "it": "miliardo miliardi",
        "nl": "miljard",
        "nordic": "miljard miljarder milliarder",
        "pl": "miliard miliardy mld",
        "ru": "миллиард миллиарда миллиардов млрд",
        "uk": "мільярд мільярдів млрд",
        "tr": "milyar",
        "ar": "مليار",
        "fa": "میلیارد",
        "he": "מיליארד",
        "vi": "tỷ tỉ",
        "id": "miliar",
        "fil": "bilyon",
    },
}
"""By value and language: words that multiply the number before them."""

LETTERS: dict[str, int] = {"k": 10**3, "к": 10**3, "m": 10**6, "mn": 10**6, "cr": 10**7, "b": 10**9, "bn": 10**9}
"""Letters directly after a number."""

WITHOUT_NUMERAL = (
    "миллион мільйон милион milion milyon miljoona مليون مليونين میلیون ملین מיליון מליון מיליארד مليار миллиард "
    "мільярд కోటి sejuta seratus_ribu zehntausend hunderttausend diecimila centomila millió"
)
"""Magnitudes that alone mean one of them, as languages without an article write."""

NUMERALS: dict[str, str] = {
    "en": "a=0 an=0 half=0.5 quarter=0.25 one=1 two=2 three=3 four=4 five=5 six=6 seven=7 eight=8 nine=9 ten=10 "
    "eleven=11 twelve=12 fifteen=15 twenty=20 thirty=30 forty=40 fifty=50 sixty=60 seventy=70 eighty=80 ninety=90",
    "de": "ein=0 eine=0 einer=0 halbe=0.5 zwei=2 drei=3 vier=4 fünf=5 zehn=10 zwanzig=20 fünfzig=50 hundert=100",
    "fr": "un=0 demi=0.5 deux=2 trois=3 quatre=4 cinq=5 dix=10 vingt=20 cinquante=50 cent=100 cents=100",
    "es": "un=0 medio=0.5 dos=2 tres=3 cuatro=4 cinco=5 diez=10 veinte=20 cincuenta=50 cien=100 doscientos=200 "
    "quinientos=500",
    "pt": "um=0 meio=0.5 dois=2 três=3 quatro=4 dez=10 vinte=20 cinquenta=50 cem=100 duzentos=200 quinhentos=500",
    "it": "un=0 mezzo=0.5 due=2 tre=3 quattro=4 cinque=5 dieci=10 venti=20 cinquanta=50 cento=100",
    "nl": "een=0 half=0.5 twee=2 drie=3 vier=4 vijf=5 tien=10 twintig=20 vijftig=50 honderd=100",
    "nordic": "en=0 ett=0 halv=0.5 två=2 to=2 tre=3 tio=10 ti=10 hundra=100 hundre=100",
    "pl": "pół=0.5 jeden=1 dwa=2 trzy=3 pięć=5 dziesięć=10 sto=100",
    "ru": "пол=0.5 полтора=1.5 один=1 два=2 две=2 три=3 четыре=4 пять=5 десять=10 двадцать=20 пятьдесят=50 сто=100 "
    "двести=200 пятьсот=500",
    "uk": "пів=0.5 один=1 два=2 дві=2 три=3 чотири=4 десять=10 пятдесят=50 сто=100",
    "el": "ένα=1 δύο=2 μισό=0.5",
    "tr": "yarım=0.5 bir=1 iki=2 üç=3 dört=4 beş=5 on=10 yirmi=20 elli=50 yüz=100",
    "ar": "نصف=0.5 واحد=1 خمسة=5 عشرة=10 مئة=100 مائة=100",
    "fa": "نیم=0.5 یک=1 دو=2 ایک=1 آدھا=0.5 پانچ=5 دس=10",
    "he": "חצי=0.5",
    "hi": "आधा=0.5 डेढ़=1.5 एक=1 दो=2 दोन=2 तीन=3 चार=4 पांच=5 पाँच=5 दस=10 पचास=50 सौ=100 ek=1 do=2 paanch=5 das=10 "
    "pachas=50 sau=100",
    "bn": "এক=1 দুই=2 পাঁচ=5 দশ=10",
    "gu": "એક=1 ਇੱਕ=1",
    "ta": "ஒரு=1 ஒன்று=1",
    "te": "పది=10 ఒక=1",
    "vi": "nửa=0.5 một=1 hai=2 ba=3 năm=5 mười=10 trăm=100",
    "id": "setengah=0.5 satu=1 dua=2 tiga=3 lima=5 sepuluh=10 seratus=100",
    "fil": "isang=1 dalawang=2 sampung=10",
    "sw": "moja=1",
}
"""Words before a magnitude, with their values; articles add nothing."""

CHARACTER_NUMERALS = {
    **{character: value for value, character in enumerate("〇一二三四五六七八九")},
    **{"两": 2, "兩": 2, "일": 1, "이": 2, "삼": 3, "사": 4, "오": 5, "육": 6, "칠": 7, "팔": 8, "구": 9},
}
CHARACTER_TENS = {"十": 10, "百": 100, "십": 10, "백": 100}

COUNTED: dict[str, str] = {
    "en": "views viewers likes dislikes subs subscribers subscriber followers follower retweets reposts comments "
    "shares clicks plays streams downloads upvotes",
    "de": "aufrufe aufrufen abonnenten abos zuschauer wiedergaben kommentare klicks",
    "fr": "vues abonnés abonnes commentaires partages lectures",
    "es": "visitas vistas visualizaciones reproducciones suscriptores seguidores comentarios",
    "pt": "inscritos visualizações visualizacoes curtidas comentários compartilhamentos acessos",
    "it": "visualizzazioni iscritti seguaci commenti condivisioni",
    "nl": "weergaven abonnees volgers kijkers",
    "nordic": "visningar visninger prenumeranter abonnenter följare følgere",
    "fi": "katselukertaa tilaajaa",
    "pl": "wyświetleń wyświetlenia subskrypcji subskrybentów subów widzów lajków obserwujących łapek",
    "cs": "zhlédnutí odběratelů zhliadnutí odberateľov lajků",
    "hu": "megtekintés feliratkozó követő",
    "ro": "vizualizări vizualizari abonați abonati",
    "ru": "просмотр* подписчик* лайк* сабов репостов комментари* дизлайк* фолловер*",
    "uk": "перегляд* підписник* підписк* вподобан*",
    "bg": "гледания абонати pregleda pratilaca",
    "el": "προβολές συνδρομητές ακόλουθοι",
    "tr": "izlenme görüntülenme abone aboneye takipçi beğeni yorum izlenmə abonə bəyəni",
    "ar": "مشاهدة مشاهدات مشاهده مشترك مشتركين متابع متابعين لايك إعجاب اعجاب تعليق",
    "fa": "بازدید دنبال‌کننده فالوور سابسکرایبر لایک ویوز سبسکرائبرز لائکس",
    "he": "צפיות עוקבים מנויים לייקים",
    "hi": "व्यूज व्यूज़ व्यू सब्सक्राइबर* लाइक लाइक्स फॉलोअर्स कमेंट",
    "bn": "ভিউ ভিউজ সাবস্ক্রাইবার লাইক ফলোয়ার",
    "ta": "பார்வைகள் வியூஸ் சந்தாதாரர்கள் லைக்",
    "te": "వ్యూస్ సబ్‌స్క్రైబర్లు లైక్స్",
    "kn": "ವೀಕ್ಷಣೆ ವ್ಯೂಸ್ വ്യൂസ്",
    "ja": "回再生 再生 回視聴 視聴 高評価 いいね フォロワー リツイート コメント",
    "zh": "次观看 次觀看 观看 觀看 次播放 播放 粉丝 粉絲 订阅 訂閱 点赞 點讚 个赞 個讚 评论 转发",
    "ko": "구독자 조회수 팔로워 댓글",
    "th": "วิว ผู้ติดตาม ไลค์ คนติดตาม",
    "vi": "lượt_xem lượt_thích người_đăng_ký người_theo_dõi",
    "id": "penonton pengikut pelanggan tontonan penayangan",
    "fil": "tagasubaybay",
}
"""By language: what receivers do that is counted."""

COUNTED_BESIDE_MAGNITUDE = (
    "view viewer like sub subscribe retweet comment share click play stream suscriptor inscrito suka"
)
"""Words that are verbs as well: they count where a magnitude or a letter stands before them."""

COUNTED_BEFORE = (
    "登録者数 登録者 再生回数 再生数 視聴回数 総再生 フォロワー数 フォロワー 播放量 观看量 观看次数 觀看次數 订阅数 "
    "訂閱數 粉丝数 粉絲數 조회수 구독자수 구독자 팔로워 ยอดวิว ยอดซับ ผู้ติดตาม"
)
"""What is counted, in languages that write it directly before the number."""

BETWEEN = "突破 破 超 达 達 过 過 が は を 約 약 수 가 이"
"""What may stand between such a word and its number."""

COUNTERS = "回 人 次 명 번 名 คน ครั้ง"
"""Short words behind a number that say that it counts."""

FILLERS = (
    "of de d di del los las new more total plus real active free loyal youtube yt instagram insta tiktok twitter "
    "facebook spotify twitch channel monthly organic video neue neuen nouveaux nuevos novos новых yeni"
)
"""What may stand between a number and what is counted."""

MILESTONES_BEFORE = (
    "road_to roadto road_2 thank_you thankyou thank_u thanks_for celebrating congrats_on we_hit just_hit hitting "
    "reached reaching rumo_aos rumo_a camino_a camino_a_los merci_pour_les gracias_por danke_für"
)
MILESTONES_AFTER = (
    "special specials celebration milestone spécial especial speciale abone_özel 記念 突破 達成 스페셜 기념 돌파 달성"
)
"""Wordings that make a small or ambiguous number before or behind them a count."""

MONEY_SIGNS = "$€£¥₹₩₽₺₫฿₱₦₪₴₸₼₾₡₲৳￥￡＄₿₨"
MONEY_BEFORE = "rs inr usd eur gbp aed sar pkr bdt ngn kes ksh rp rm chf cad aud idr php sgd"
MONEY: dict[str, str] = {
    "en": "dollar dollars bucks usd cash cents euro euros eur pound pounds gbp quid rupee rupees rupaye rs inr yen "
    "won yuan rmb ruble rubles rouble roubles lira liras tl peso pesos reais baht ringgit rm rupiah taka naira "
    "shillings rand dirham dirhams aed riyal riyals cad aud chf kr kronor kroner robux vbucks v-bucks coins coin "
    "gems diamonds credits bitcoin bitcoins btc eth",
    "latin": "dólares dolares dolar dollari dollaro dólar đồng vnđ vnd đô dong euró eurot forint ft zł zl pln "
    "złotych złote korun kč czk lei lari dolarů dolarów sterline francs roupies piso pisong sentimos",
    "cyrillic": "рубл* руб доллар* долар* евро євро гривень гривен* грн баксов тенге сум р",
    "el-he": "ευρώ δολάρια דולר דולרים שקל שקלים ש״ח יורו",
    "arabic": "دولار دولارات ريال درهم جنيه دينار يورو ليرة تومان تومن دلار ریال روپے روپیہ یورو ڈالر",
    "indic": "रुपये रुपए रुपया रुपयों रु डॉलर টাকা* ডলার ரூபாய் டாலர் రూపాయలు రూపాయల డాలర్లు ರೂಪಾಯಿ രൂപ રૂપિયા ਰੁਪਏ",
    "east": "円 元 块 塊 ドル ユーロ ウォン 美元 美金 欧元 歐元 港币 人民币 台幣 韓元 韩元 日元 원 달러 유로 엔 위안 "
    "บาท ดอลลาร์",
}
"""Words for money behind a number."""

MEASURES: dict[str, str] = {
    "length": "km kms kilometer kilometers kilometre kilometres kilometern kilómetros quilômetros kilomètres "
    "chilometri mile miles meter meters metre metres metern metros mètres metri feet foot ft inch inches yards cm mm "
    "lightyears mph kmh kph км метров метра километров χλμ 公里 公尺 キロ メートル 킬로 미터 किलोमीटर मीटर كيلومتر "
    "كم متر กิโลเมตร กิโล เมตร acres acre sqft hectares",
    "mass": "kg kgs kilo kilos kilograms kilogramm gram grams lb lbs ton tons tonne tonnes tonnen ounces oz litres "
    "liters liter litre litros gallons gallon ml кг тонн литров طن أطنان 吨 噸 トン 톤 公斤 斤 किलो",
    "time": "ms second seconds sec secs minute minutes min mins hour hours hrs day days week weeks month months year "
    "years yr yrs century centuries sekunden minuten stunden tage tagen wochen jahre jahren secondes heures jours "
    "ans années segundos minutos horas días dias anos años meses secondi ore giorni anni uur dagen jaar dagar år "
    "timmar sekund godzin godziny dni lat saat gün yıl dakika jam hari tahun giờ ngày năm секунд минут часов часа "
    "дней дня лет годов годин днів років ثانية ساعة يوم أيام سنة ساعت روز سال שעות ימים שנה שנים घंटे दिन साल মিনিট "
    "ঘন্টা দিন বছর 秒 時間 小时 小時 日間 天 年 시간 년 초 ชั่วโมง วัน ปี oras araw taon",
    "power": "mah wh kwh watt watts volt volts amps hp bhp horsepower cc rpm psi lumens hz khz mhz ghz fps dpi "
    "pixels pixel px megapixel mp mb gb tb kb bytes decibels db lux joules newtons g-force ватт вольт ボルト ワット "
    "볼트",
    "games": "uc fv dm mmr ммр хп hp xp elo lvl robux robuxov робуксов роблоксов голды кубков гемов алмазов трофеев "
    "diamantes diamante diamonds gemas gemmes elmas kupa kupalık jetons coins โรบัค เพชร เพรช רובקס جوهرة جواهر شدة "
    "بوينت كوينز دايموند robaksów ダイヤ ジェム コイン ゴールド 다이아 루비 메소 아덴 골드 鑽石 钻石 金币 金幣 "
    "kim_cương quân_huy vàng xu",
    "heat": "degree degrees celsius fahrenheit °c °f ° grad градусов 度 डिग्री درجة",
    "energy": "calorie calories calorías calorias kalorien kcal cal калорий カロリー 칼로리 卡路里 कैलोरी",
    "share": "% ％ percent prozent процентов パーセント 퍼센트",
    "other": "steps step schritte pasos passos iq xp elo bpm",
}
"""Words for what is measured, not counted by receivers."""

RANKED = "lv لفل ليفل เลเวล top топ トップ level levels lvl nivel seviye уровень уровня лвл 等級 レベル 레벨 warhammer"
"""Words before a number that is no count, however large."""

IDIOMS = "in_a_million thanks_a_million like_a_million"
"""Wordings that count nothing."""

TRACES = ["illi", "ilio", "ilyo", "iljo", " mil ", "akh", "rore", "usan", "undre", "juta"]
TRACES += ["MIL", "BILLI", "AKH", "RORE", "USAN", "UNDRE", "JUTA"]
"""Parts of magnitudes: a text in ASCII with neither a digit nor one of them shows no count. Many more cost twice
the time."""
