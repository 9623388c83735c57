//! Towns, regions and countries that stand in addresses of the region, without the endings of their cases. A place
//! alone is no address; it makes one longer.

/// Stems of names.
pub(crate) const PLACES: &str = "\
    алмат астан нур-султан нұр-сұлтан шымкент караганд қарағанд актоб ақтөбе тараз павлодар усть-каменогорск \
    өскемен оскемен семей атырау костана қостанай кызылорд қызылорда уральск петропавловск петропавл актау ақтау \
    темиртау теміртау туркестан түркістан кокшетау көкшетау талдыкорган талдықорған экибастуз екібастұз рудн \
    рудный жанаозен жаңаөзен жезказган жезқазған балхаш балқаш каскелен қаскелең конаев қонаев капчага талгар \
    талғар есик иссык кульсары степногорск сарань аксай ақсай жаркент риддер шахтинск лисаковск аральск щучинск \
    косшы қосшы алматинск акмолинск ақмола актюбинск атырауск карагандинск костанайск кызылординск мангистауск \
    маңғыстау павлодарск жамбылск жамбыл жетісу жетысу ұлытау улытау туркестанск казахстан қазақстан рк қр almat \
    astan shymkent symkent karagand qaragand qaragandy aktob aqtob taraz pavlodar semey semei atyrau kostanay \
    kostanai qostanay qostanai kyzylorda qyzylorda uralsk oskemen aktau aqtau temirtau turkestan turkistan \
    kokshetau koksetau taldykorgan taldyqorgan ekibastuz zhezkazgan jezqazgan kaskelen qaskelen kazakhstan \
    qazaqstan petropavlovsk petropavl konaev qonaev nur-sultan kapchagay talgar москв санкт-петербург петербург \
    спб новосибирск екатеринбург казан омск томск челябинск самар россия рф красноярск барнаул тюмен оренбург \
    астрахан ташкент тошкент самарканд узбекистан бишкек кыргызстан минск киев moscow tashkent bishkek russia \
    uzbekistan kyrgyzstan moskva samarkand london istanbul стамбул дубай dubai уфа уфе уфы семее семея кентау \
    уштобе сарыагаш ленгер арыс хромтау макинск степняк кандыагаш шу мерке отеген боралдай байсерке тургень";

/// Districts of the large towns, which stand beside «район» or alone between commas.
pub(crate) const DISTRICTS: &str = "\
    бостандыкск ауэзовск медеуск алмалинск жетысуск турксибск алатауск наурызбайск есильск сарыаркинск \
    байконурск бостандық әуезов медеу алмалы жетісу түрксіб алатау наурызбай есіл сарыарқа байқоңыр";
