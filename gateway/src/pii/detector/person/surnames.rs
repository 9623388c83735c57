//! Surnames that no suffix gives away, and the frequent Russian ones that are also words (кузнецов, of the smiths):
//! those are surnames only beside a name.

/// Surnames without a telling suffix.
pub(super) const PLAIN: &str = "
adams ahn alexander allen anderson aydin bailey baker barnes bauer becker bell bennett bernard bianchi braun brooks
brown bryant butler campbell carter celik chen choi clark coleman collins cook cooper costa cox cruz davis demir diaz
dubois durand edwards esposito evans fernandez ferrari fischer fisher flores ford foster fuchs garcia gibson gomez
gonzales gonzalez gray green griffin gupta hahn hall hamilton han harris harrison hartmann hayes henderson hernandez
herrmann hicks hill hoffmann hofmann hong howard huang huber hughes hunt hwang jackson jang jenkins johnson jones jung
kaiser kang kaya kelly kennedy khan kim king klein koch kohler konig krause kruger kumar kwon lang lange laurent lee
lefevre lehmann lewis lim liu long lopez maier marshall martin martinez mason mayer mcdonald mcdonnell mckenzie meyer
miller mitchell moller moore morales moreau morgan morris muller murphy murray myers nelson neumann nguyen oliveira
ortiz owens ozturk pak park parker patel patterson pereira perez perry peters peterson petit phillips powell price
ramirez ramos reed reyes reynolds ricci richardson richter rivera roberts robinson rodriguez rogers romano ross rossi
rousseau russell russo sanchez sanders santos sato schafer schmidt schmitz schneider scholz schroder schubert schulz
schumacher schwarz scott seo sharma shin silva simmons simpson singh smith song stevens stewart sullivan suzuki tanaka
taylor thomas thompson torres tsai tsoi tsoy tucker turner vogel wagner walker wallace walter wang ward washington
watson webb weber weiss wells werner west white williams wilson wood woods wright wu yang yilmaz yoo yoon young yun
zhang zhao zhou zimmermann абат абжан абиш абылай адамс адилхан айтказы аллен ан андерсон андрус аубакир ауез ақылбек
бабак багдасар байгожа байжан байзақ байсеит байсейіт байтас байтұрсын бак бан баран барнс бауэр безрук бейкер бейсенби
бекен бекжан бекк беккер бекмұхамбет бектұр белл белоус белых бем бендер беннет бер берг бергер бергман бехтольд бойко
бондарь боровик браун бреннер брук брукс брюнер бублик бурлака бухгольц бухмиллер бэк бөкейхан вагнер вайгель
вайнбергер вайс вальтер вебер вегнер вейнгарт вейс вернер вибе вибэ вилсон вильямс винтер виттман вовк волк вольф вон
воробей вуд гаас габриэль гай гайдар гайдук галушка гарсия гартман гаус ге гейдебрехт гейер гейне гейнц гельвих гердт
герман герцог гесс гетц гильдебрант гинтер глекнер гнедых голик голуб гон гонсалес гончар горобец гофман гоффман гриб
грин гриценко гросс груша грэй дадиани дамм дель демчук ден деннинг дерксен джексон дженкинс джонс джонсон ди дик диль
дитрих долгих дорн дорош досқара дроздецкий дуб дудка дук дурново дьяк дэвис дю дюгай дүйсенбі е ем ен жандос жансүгір
жаравль жақып живаго жолдыбай жук журба жусип жүсіп жұмабай заика зайферт зауэр заянчковский заяц зиберт зима зиммер
зозуля зоммер им иманбай ин исабек йорк кажыбай кайзер кайль калиев калина кам кан канг карась квак кван кваша квон
келер келлер келли кельн кенжебек кениг кехтер ки ким кинг кирш кисель клаас кларк классен клейн клок кляйн кнаус
кнельзен кнопф коваль ковган кожахмет кожухарь козак козел кокс коллинз колодий комар кон корж король корчак косых кот
кох кошка кравец кравчук крамер кран краузе краус крафт крекер кремер кригер кролик крутых крюгер ку кузьма кулик кун
купер куц көшербай лаас ланг ланге лапа ласт ластовка лебедь лейман леман леппке лещ ли либерт лигай лим линд линк лир
лис литвин лих лопез лоренц лорер лось лутц лютый лян ляхай маас майборода майер майзер малый мамай маман ман манн
маркварт мартенс мартин мартинез мартыненко мейер мельник мен месхи миллер мин митчелл морган мороз моррис москаль
мукан мун мур муха мырзатай мюллер мюнх мұқан нагай нагель нам наурызбай нахтигаль нейман нейфельд нельсон нечай ни
никкель ниязбек нога ногай нойман нугман нұғман о огай олейник онищук ор орбелиани орел оспан остапчук остер отт павук
пай пайгин пак палий пан панас паркер пасечник пастух пауль пауэлл пе пен пеннер перри петерс петкау петух пион писарь
погребняк полтавец польских помогайбо попович приходько проценко прядко пузырь пфайфер пфафф пхай пю пяк райзер райт
райх рау регер редер редька реймер рейнгардт ремер ремпель ренц репка рерих риб рид рихерт рихтер ричардсон робертс
робинсон роджерс родригес роммель роот росс рот рудь рупп русских руф рыбак рысқұл рябоконь саган сайлау сала сандерс
сапаргали сапожник сарсенбай сартисон сатыбалды сағындық седых сейдахмет сейсенбай сейтказы сейіт сен середа сим син
сирота сич скляр скоропад скотт слюсарь смит сова сокол сон сорока стельмах столяр ступак стюарт сунь сухих сыч сюй
сұлтанбек тагай таран тасболат тасбулат тевс тейлор темірбек тен тернер тин тиссен тихай ткач томпсон тон тонких торба
тоқаш тоқтар трейер треттер тур тягнибок тілеген тұрлыбек тұрғын төлеген уайт угай уилсон уильямс ульрих унгер унру
уокер уорд уотсон уәли фаст фельк филлипс фитц фишер фленк фогель фольк форат фостер фрай франк франц фрезе фризен фрик
фриц фрицлер фукс функ хаас хан хардер харитоненко харрис хартман хаузер хван хе хегай хейн хилл хитрово хмара хмель хо
холл холод хон хубер хьюз цай цайтлер цап цвингер цейзер целлер цех цзюй цзян циммерман цой цхай цыбуля чабан
чавчавадзе чагай чайка чалый чан че чен чернега черный черных чжан чжу чи чиж чо чой чон чу чуб чумак чун чутких чхве
шаад шайерман шаймерден шалғынбай шамрай шандер шанц шаповал шауэр шаяхмет шваб шварц швец шевчук шегай шейерман шек
шелленберг шерер шефер шиллер шиллинг шим шин шинкарь шкода шлегель шлейхер шлихт шмаль шмидт шмик шнайдер шнейдер
шнель шольц шперлинг шредер шрейдер штайн штарк штейн штейнгауэр штеклейн штоль штраус штрек штумпф шук шульга шульц
шуман шумахер шустер щерба щука щур ыбырай ысқақ эбель эберт эванс эдвардс эйхман экерт эллер эм эн энгель энгельс эннс
эпп эрлих эрхарт ю югай юй юн юнг юнгман юрга ягер якоби ян янг янпольский янцен ярош яценко қожахмет құдайберген
әубәкір әуез
аббас аббот абдель абдул абдулла абельс аган агбаж агнаж агуляр адамек адамсон адамчик адер адлер адриан азад
азиз айзек айхгорн айхман акопян акройд алан алвес алекян алмаши алонсо альбер альберт альбрехт альварес альмейда
альтман амангелди амандыка аманжол амбарцумян амброс амир ананд андре андреас андрейчук андрес андрусив андрусяк
ансари анселм антон аоки апель апельт арайс арган арнд арндт арним арно арнольд артемчук арто асан аскар асланиди
ассман астон аткинсон аугуст ауман ауэр афзал ахмад ахмед ахмет ахметжан ахметкали ахтар ашер ашкенази баал баас бабич
бабчук бабюк багдасарян бадер баер базарбай байер байжигит баймахан баймолда байназар байрон байцур бакай бакли
бакст балабан балаж балог бальдауф бальцер бамбергер банах бандера бансал барбер барбье барко барлоу барретт барри
барсук бартель бартельс бартлет бартон бартош барц барч баттерфилд баттлер баум баумайстер бауман баумбах баумгартен
баумгартнер баумерт баутиста бах бахер бахман бейли бейсекей бекбай бекболат бекенбауэр бекет бекмурза бектас беллини
беллоу белогуб белоног бемер бенедикт бенес бенке бенсон бенц берберх бергманн бердимурат берке беркут берман бернар
бернат бернгардт бернс бернштейн берри бертран бессмертных беттс бехер бец бзежан бибик бигалды биганс биккель
билльман бимен бинц бирн бисен битнер бишоп блай бланко блант блаум блейк блех блохман блум блюм блюменталь бобрик
богдан богун боднар боднарук боккер бокуш болат болдт болль болтон бомбардье бонар бонд бондарук борбот боргер борис
борманн борнеман борсук босак боссерт боуэн брайан брайант брайт брайтенбюхер бранд брандт браунинг бредли брейер
брейнер бремер брехт бриль бринкман брисбен бриттен бродбек бруннер бруно брюкман брюкнер брюс бузек бунге бургхардт
бурлай бурх буряк буткевич бутко бухер бухман буц бучек буш буше бушер бушман бюлер бюттнер бялик бёлер бёттхер
вайгандт вайдман вайдманн вайль вайман вайнберг вайнер вайнштейн вайсбек вайсгербер вайцель валентайн валиахмет вальд
вальдман вальдшмидт вальтерс вальц ванг вандер ванькович варга варгас варлей варшавер васкес ватанабэ ватсон вегеле
ведель вейганд вейнбергер вейраух вейт вейц веллер веллингтон вельк вельц верле верма вертер ветштейн видман визер
визнер викер виль вильгельм вильд вильде вильке вилькенс виндт винклер винник винс винтергольдер вирц вит витман витт
витте виттенберг вишну власик вовчок возняк войт войтик войтюк волл волощук волтер вольнер вольфарт вольфганг
вондрачек ворвуль вормсбехер воскобойник врубель вудс вуйцик вуйчик вэй вюрц вялик вятр гааг гааз габель габер гадамер
газиз гайворон гайер гайслер галаган галай галан галас галич гальпер гамаюн гамильтон ганди ганс гансен ганц ганцгорн
гараган гаррис гаррисон гарт гартвиг гартунг гартфельдер гаршнек гассман гаст гато гаук гаун гаусман гауэр гафнер гафт
гашек гаят геб гебгардт гебель геворг гегель гейзе гейль гейман гейнбихнер гейнрих гейст гелер геллер геллерт
гельбрандт гельд гельман гельмель гендерсон гензе генри генрих генслер гербер герберсгаген герберт гербершдорф
гергенрейдер гергерт гердер геринг герке герлинг герлиц герн геррман гершензон гершкович гершович гетман гетте геффель
гиббонс гизатулла гизбрехт гизе гилл гильгенберг гильден гильман гиммельрейх гинзбург гирт гиршфельд гладун гланц
глауберт глебко глейзер глек глен глогау глушак гнатив гнатко гнедик гобель говард гоген годман гозман гойко голайдо
голд голдберг голдинг голдман голдсмит голдштейн голинка головач голота гольденберг гольдфарб гольдшмидт гольман гольц
гоман гомес гонсалвес гонтарь гопп горак горас горбань горбач горват гордон горелик гориц горн горнунг гортер госс
госсен готлиб готтфрид готфрид готье гоффер граб грабарь граймс грассман граумн грауэр гребень гребенюк гребер грегер
грегори грегорян грейвс грейнер грем гретц гретцингер грехем гривас григорович грикшас гринберг гринвальд гринвуд грисс
гриффит гриффитс гробер громак громик гроот гросман гротт грубер грузд гудман гузик гулл гуль гульд гумбольдт гурвиц
гурвич гусак гуссерль гуссман гутман гутник гуцал гуцул гуэрра гюнтер гёпферт давид давидсон дайнеко дамаш дамир
данг данз данилевич даниэль данкан данько даутбай даушвальд дейвис деккер делонг дельвиг дельгадо демид дениз дерги
десаи дессау деш джагер джакупбек джалил джейкобс джеймс джейн дженнингс джовани джойс джонстон джордан джордж джун
джунус дзюба диас дидык диккерсон диксон дильман димитр дирксен дитмар дитц дмитрук довбуш довгань довгий додд додсон
дойл долинюк домингес домник домрес донг донован донской дорошук дорр дотц драган драгун драч драчук дрейер дрейк
дрейлинг дрейфус дробот дробыш дрозд дроздук дрюк дуайт дубс дудик дудник дукарт дулат думлер дункан дунн дуплик духно
дуэйн дынник дьерль дэвидсон дэвисон дэниелс дэнис дюбуа дюваль дюк дюмон дюпон дюпюи дюран дюрр дюфур дядюн дядюра
дятел ежак екимен елжас елтай ельник ендрик ерали ергали ержан ермак ерман ерхан есенгали есенжол ефимчук жабай
жаксыбай жамбыл жанабай жанай жанарбай жандарбек жанибек жансеит жантай жанұзақ жаппар жарылгап
жданюк жексенбай жеребко жигалко жилко жирар жузбай жулай жумагали жумагул жумадил жумакан жумаш жусупбек
жуынтай жүніс жұмабек жұматай жұмахан завгородний заворотнюк загоруйко зайдель зайлер зайлингер зайтц замуля зандер
зандлер заремба затуливетер зауэрбрей захарчук зацепа збандут здор зебальд зебер зейберт зейдель зейферт зейц зелник
зельман земан земек зентлер зибель зигель зигле зигман зигфрид зильберман зильберштейн зингер зинн зинчук злотник зомер
зонненберг зонтаг зохарь зубань зубрик зубченок зутер зуттер зюскинд зюсс ибадулла ибрагим ибрай ибраш иваньо ивасик
ивасюк ивахно иглесиас изтлеу илиясбек имангали имаш ингерман инглиш ирмен иса исай исатай искандар искандер исрайл
истлеу ито итоо итцель ишим ищук йенсен йенч йео йехан йоас йоахим йоганн йонас йоост йоргенсен йордан йоу йоханссон
йохум каас кабан кабдуш каган кадыр кадырбай казимир казыбек кайрат калаш калдыбай калибек калмурат калтай
кальво каменик каминг кампос кантор каплан карабай каракай карбовник кардаш кареш карим карл карлос карлсон
карнеги карпик карпюк карсон каспер кастильо кастро касум касым касымбек катлер катц кауфман кауц каха кац кацман качур
кашуба кваско квитко квятковски келдыш келлерман кемпа кемпбелл кемпф кендалл кенесбай кербер керим керн
кернер керр кертис кесслер кетлер кеттерер кивела киммель кинаст кинцель кирилюк киркач кирмс кирхнер киссинджер
клаассен клавдий клауз клаузер клебан клейс клеменс клемм клепач клетт климчук клиффорд клоос клоссен клочко клуг
клугман кнауб кнауф кнопп кнорр кнут кобец кобзарь коблер кобыляк ковалик ковач ковтун коган кожан козлюк козубай
колодко колос колумб колчак кольберг кольман комаровски комлик конрад консон контер конуэй коппель корбут корнель
корнельсен корник корсак кортес корф костюк котляр котт коулз коуэн кохан кошевой кошеу коэн кравцив кравченя краковски
кранц крапф кратц кребс крегер крейг крейн крейс крейслер крейцер крепак крец креч кречмер кривошапка кривошей крист
кристенсен кристи кристиан кричевец криштоф кроль кромм кросби кроссман кротт кроуфорд кругман крузе крукс круц
ксендзюк кубрак кудабай кудеба кудлай кузембай кузик кукса кулай кулаковски кулибек кульбак кумари кунанбай кунц
кунце куприк курманбай курманбек курт курц курцер кусаинбек кучма кушнарь кушнир кшенски кэрролл кюн кюне
кюнцель кёнигсберг лавер лазар лазарус лазнюк лайко ламберт лампарт лангер ландау ландгрен ландер ландсберг ларсен
ларссон ласкер лаубах лаубе лаузер лацис лашук леблан левандовски левек левинсон левкович легер легран
лейбель лейбович лейер лейс лейтнер лемешко лемещук лемке леннокс ленц леон леонард леонгард лепп лерман леру лесик
лесневски лессинг летц лефевр лехман лехнер лешко лещук либерман либих либкнехт лидке лизогуб линдберг линдгрен
линдеман линден линдерман линднер линдсей линдстром линн линник липман липп лиссманн листопад литтл лихтенвальд лихтнер
лишак ллойд лобач логан лозинг лойко лойтер лопата лопес лоран лорен лоренс лотман лоу лоуренс лоури лоусон лубенец
лудвиг лукас лукач лукашевич лукша лунд лунц лупан лутай луцик люббе любич людвиг люк люст лютер люциус лябах ляшко
ляшук лёвен магауия магзум мажара мазепа мазур майнхардт майснер макарчук макбрайд макдональд макдугалл макинтайр
маккарти маккей маккена маккензи макмиллан макнил максвелл максут малдыбай малик малкович мальдонадо мальзам мальцан
мамбет мамчур манас мандель манджу мандт манзюк маннинг мансур мануэль мао марек маринич маркес маркус марсо мартенюк
марти мартинс марусич марфуга маршак масич матвийчук матиас матис маттис матусевич матушевски матюха матяш маурер маусс
махамбет махмуд махно махоня маций мацкевич мацко мачадо машкей мбеки медведчук медет медоуз мейнерт мейсон мейстер
мельничек мельцер менг мендес мендоса мергенбай меркель меркер мерсье мерц мессершмидт метелица меткаф метт метцгер
метцлер мехра мешек миллс мильке мильц миндель миранда мировски мирон мисник миттельман митцель михай михалчук михалюк
михель михельс мищук молдабай молдахмет молина монтгомери монтеро монтойя морейра морис мориц морозюк морриси моррисон
мортенсен моска моссман мото мотт мохамед мохаммед муди мукаш мукерджи муковоз муниц мунтян муньос мурат муратбек мурга
мурзабек муртаза муса мусабек мустафа мутт мухамбет мухамеджан мухаммед мухтар мырзабек мэннинг мюнстер мюнц мядель
мёдлинг нааб надаль надер назарбай назарчук найда найк накадзима накамура наливайко намм нараян нариман настас
натан натт науман наумчик нахман негода неделько недогарок недоля нейбауэр нейберт нейгард нейгебауэр нейдель
нейндорф нейсон нейфельдт нейшеллер нельке немет немирович нерлих нефф никельс никол николсон никс нилс нильсен
нильссон ниммо нир ниязбай новак новик нойфельд нолан нолл нольд нольте норман норрис нортон носик ноуэлл нуньес нурбек
нургали нургалым нуржан нуркен нурлыбек нурпеис нурсеит нуртай нюгард оберман оберст оберт обломий одабаш одей
оже озкан ойстрах оксер окуда окунь олбрайт олдридж олдфилд олеш олжабай олифер оллсон ольсен омаркул омельчук
онипко оразбай оразбек орехович орлюк ортега ортис осборн осмонали осорио остен остроух отте отто отченаш оуэн
охара очеретько павел павлив павлик павлюк падалка пазман палади пальчик панг папуша параска паркинсон паркс парфенюк
паршак пастернак патт пауле паулс паулсен паулюс паущук пашук пейдж пейн пейнтер пелых пендик пеннингтон пенчук пенько
пеппер пергер пердомо перкинс пермяк петер петерка петерман петерсен петик петрашко петри петрик петрих петручок
петрушка петцольд пех печеник пикассо пикеринг пикетт пиндюк пинкертон пинчер пинчук пиррс пирсон питерс пиффер пицик
плаксий платт плетт плохих плющ погорелый подкова подлесных подоляк покотило полещук польц понс поппе поппель постернак
поттер пох похил правдюк пратер пратт прейс прейслер прескотт престон присяжнюк притуляк прицкау прокопчук
прокопюк протасевич прохорчук прядун пугач пульвер пундик пустовит пустовой пуччини пушкарь пушкаш пфанненштиль пфейфер
пфефер пфеффер пфлаум пятак раабе рабинович раджпут радич радчук разак райан райбман райли райнеке райнер
райнхардт райнхольд райсих райхель райхерт райш раман рамирес рамсей рандт рао раппопорт расмуссен рассел раусс рахбари
рахимбай рахимжан рахман рахметолла рацлав рашид ребрик редди реддинг редель резник рейес рейзвих рейзер рейли
реймерс рейн рейнбольд рейнгард рейнер рейсиг рейхель рейхерт рекс ренке рерль ресслер реутт рибейро рива ривз риделль
ридель ридигер риккерт рикс риман ринас рингейзен риос ритт риттер рифель рихард рицка рич ричардс ричи робб робертсон
робсон родригеш рожко розбах розе розен розенбаум розенберг розенблюм розенталь розенфельд розенцвейг розенштейн
розман рой роланд романович романчук ромеро ромих роуз роулендс рошак рубан рубель рубен рубинштейн рубцовски рудик
рудой рудольф рузвельт рукавишник руппель рупперт русак русанюк руслан руссель рустембек рутенберг рутковски рутц рыжик
рыжук рымбай рысбек рыспай рюб рюдигер рябой рябуха рябчук рянко рёр сабах сабитбек саблер савельчук садвакас
сайдахмет сайлер сайфулла салава саламон салас салех салим салимбай салинас салливан самат самойлюк
самуэлс самуэль сандберг сандоваль сандыбай сансызбай сантана сапарбай сапег сарсен сарсенбек саско
саттарбай саутер сахно свенссон свистун себастьян сегал седлак седой сейдазым сейдалы сейдильда сейтжан сейткали
сейткасым сейткул сейтмагамбет сейтмурат сейтхан семашко семенчук семенюк семеряк сенчук серикбай серкан серон сетдик
сехун сивак сиваш сигел сидорук сидорчук сикора симон симонс симсон симус сингх синклер синюк сирко сиряк сисенбай
сиско ситник скаско скиба склярчук скок сколик скоробогатых скоробогатько скрипник скрипчук скробот славик сливко слоан
слободян слободянюк смагул смерека смилянец смитт смола смоляк смоляр снайдер снегур снитко собко соболь сокирка
сокольчук соколюк соловей соломка соломон сомер сорокопуд соснюк соуза спектор спенс спенсер спивак сподар срым стайнер
сталлоне стамбек станко станли станчук старостюк стасюк статник стефан стефаник стец стецик стецюк стивенс стивенсон
стиллер столл столярчук стоун стоян страсберг стрейт стрелец стрижак струве струц ступник стэнли сугак сулаймон
сулеймен султанбай супрун суринт сутер сухарчук сухарь сухой сушко сыдыкбек сыздык сюе сюмак сюн табакман таир
такахаси такеда талипбай тамаш тананай таранец тарасевич тарасюк тарчук таубер таугер таупер тафт ташмухамбет тегт
тейлер тейт тейфель тельман теляк темирхан терещук терлюк тернопол терри тетер тетерук тидеман тидеманн тиден тильман
тимербай тиммерман тимощук тимчук титц титце тишлер тлеубай тлеуберди тлеужан тлеухан тобольт тодд тойбай тойшыбек
токарчук токарюк токтасын токтаубай толебай толстых томпкинс томсен томсон тохтар трамп траут траутвайн траутманн
требушной тремба трефц тригуб триппель тромпель труш трушик тукай тулеген тулегенби тулейко тулеубай тулеш турганбай
тургунбек турсун турсунбай туруспек тынышбай тэнг тюпа тютюнник тёпфер тілеубай тілеуберді тұрсын тұрсынбай тұрғанбек
төрехан төреғали уайлд уайлдер уайтхед удод уикс уилкинс уилкинсон уиллис уинстон уитни улбрих ульман ульмер
умбетбай унгефуг унгур унтербергер уоллес уолтерс уолш уорнер уоррен урзул урих урман усен усенбай утебай утеген
утепберген учида ушкал уэбстер уэлч уэстон фабер фабиан фабрициус фаерман файер файзулла файнберг файнштейн фанг
фандель фарид фаркас фаттах фаульхабер фауст фах федак федер федерер федорчук федорюк федосюк федун федчук фейер
фейерабенд фейхтвангер фельд фельдбуш фельдман фелькер фельцман фельш фендель фендрих фербер ферг фергюсон ферейра
ферман фернандес фернандеш феттер фехнер фиалка фибих фигель фидлер физер филд филдс филимонюк филипчук финкель финлей
финстербуш фишман флауэрс флах флегель фледдерман флейшер флеминг флемминг флетчер флинт флюк фогт фойт фольмар
фольц фомюк фонг фонсека форбес форстер форш фоукс франсуа франциско францке фрауэнхофер фрейд фрейзер фрейлих фрейман
фрейтаг френкель френцель фрери фризоргер фриман фрис фрицше фролих фрост фрэнк фрэнсис фрёлих фуад фукуда фукуяма
фуллер фульц функнер фурман фурса фурт фухс фюрст хаббард хабер хабиб хагель хаген хадсон хайбуш хайдар хайдеггер
хайдер хайм хайнрих хайнс хайнц хакель хакен хаким хаксли халаби халид халидкызы халил халимбек хамид хамит хамитбек
хамрабай хамуд ханбек хандке ханмурза ханнес хансен ханссон хант хантер ханц хапсала харди харлан хармс харпер
харт хартвиг хартл хартли хасан хасенбек хауэлл хауэр хафнер хашими хванг хейг хейз хейк хейл хейлик хейна хейнс
хельмут хендрикс хенкель хеннинг хенрик хенриксен хербст хервег херман херманн хернандес херндон херрера хетч хиггинс
хидеш хилтон химич химка химмель хинкель хинц хирано хирт хирц хирш хоанг хоган ходжсон ходос ходыка хойер хойнацки
хокинс холлидей холльман холмс холоша холт хольц хоман хоманн хомич хоппе хоппер хорват хорн хорошун хофер хофф хоффер
хоффман хохман храпко христюк хруль хрущ хуан худайберген худзик худик хуммель хун хусаин хусейн хэмилтон хэнсон хюбнер
хюттер хёльцер цао царукян цах цвайг цвейг цвик цеберт цедрик цейсс цельмер цеммер цехмистер цехмистро цзи цзинь цзо
цзоу цзэн цибулька цигельман цидик циклер цильке цимбал цимер циммер цинн циннер цитцер цоллер цорн цубик цуй цукерман
цурикова цыба цыпук цю цюй цюрих чавес чайлд чандлер чандра чапман чарльз чарльзворт чаттерджи чаудхари чаус чаушян
чебан чеботарь чекмарь челик ченг черван черевко черкас черлянка чернуха чернушка чернюк черри черчиль чеслав чжай чжао
чжен чжоу чжун чик чипига чмель чмиль чопик чорний чоу чоудхури чубарь чубатюк чуйко чулак чунг чупак чупрына шааф
шабан шавкун шаер шайбель шайнер шакен шамай шамшур шандра шао шапиро шарипбай шариф шарифулла шарко шарлай шаровар
шаталюк шатун шатц шауб шафран шварцкопф шварцман швачка швейгерт швейк швейцер швиммер швиндт шевель шевцив шедель
шелест шелл шеллер шелудько шельвах шенберг шендель шеппард шеремет шерман шестак шестопал шеффер шиан шильд шильке
шимек шиндлер шинкарюк шинкевич шипка ширак ширман ширмер ширяк шиферштейн шкарпета шкляр шкоп шкурат шкурко шлагер
шлезингер шлейнинг шлендер шлиман шлоссер шлотгауэр шмальц шмид шмидтке шмидтман шмитт шмитц шмыгаль шнайдмиллер шнеер
шнейдмиллер шнитке шнитцер шолль шольтен шорн шостак шпак шпанагель шпейзер шпигель шпилевой шпиль шпинделер шпис шпитц
шпицер шпота шпрингер шрайбер шрайер шрамм шретер штайгер штайнер штайнмарк шталь штальбаум штауб штаубе штейнбек
штейнберг штейнбрехер штейнер штейнке штейнмиллер штеллер штенгель штендер штерн штефан штефен штиллер штиль штирц штих
штойк штокман штоц штрейх штробель штром штрух штуккерт штумм шубарт шубер шуберг шубик шувал шуллер шульман шульт
шультайс шульте шумилло шурр шустик шух шушан шушкевич шюле шюлер шютте шютц шяхмет шёнфельд шәріп щербак щербань
щербатюк щербина щурик эбенгардт эбергардт эберле эберлейн эберхард эбнер эванц эверс эверт эггерс эдгар эдельман эйгер
эйзенах эйзенбраун эйзенхауэр эйзенштейн эйзнер эйлер эймер эйрих эйснер экк эккель эккер эккерт экштейн элиас элиот
эллиот эллиотт эллис эльберт эльвайн эльзессер эльснер эмих эммерих энгельберт энгельгардт энгельман энгельсман эндер
эндерс эндрюс эпштейн эрбес эрдели эрдман эрикссон эрих эрн эрнандес эрнст эррера эрфурт эрхард эспиноса эттингер
эхт эшер эшли эшмурат эштон юзвяк юзефович юйцай юм юнкер юнус юнусбек юргенс юрчик юрчук юрьевец юсиф юсуп юсуф юэ юэн
яблучко ягольник якимчук якимюк якоб якобс якобсен якобсон якуб якубович якуц якушик ямагути ямада ямамото янкель янко
янсен янсон янчук ярема яремчук яринич ярмак ярмол яровой ярощук ясько яцек яценюк яцик яцук яцюк ящук
";

/// Frequent Russian surnames whose stems are words rather than names.
pub(super) const FREQUENT: &str = "
абрамов авдеев авдонин аверин агапов агафонов акимов аксаков аксенов александров александровский алексеев алешин
ананьев андреев андронов аникин анисимов анохин антипов антонов апраксин аристов арсеньев артамонов архипов астафьев
астахов афанасьев бабкин багров баженов балашов баранов барановский барсуков басов безруков белинский белкин белов
белоглазов белозеров белоусов бельский беляев беляков березин бессонов бжезинский бирюков блинков блинов блохин бобров
богатырев богданов богословский бойцов бойчук болдырев болотов большаков бондаренко борисов бородин бочаров брагин
братухин брежнев буланов булатов булгаков бурков бурмистров буров бурый бутусов бушуев быков вавилов васильев
васильевский васильков вдовин вершинин веселов ветров виноградов вишневский вишняков власенко власов воинов
войцеховский волков волошин воробьев воронин воронов воронцов высоцкий вязов гаврилов галкин ганин герасимов глазков
глебов глухов гнатюк гоголев голицын голованов головин голубев голубков гончаров горбачев горбунов гордеев горелов
горохов горшков грачев греков григорьев гринев гришин громов громыко губанов гуляев гурин гурский гурьев гусаров гусев
гущин давыдов данилин данилов дементьев демидов демин денисов державин дмитриев добровольский добрынин долгов
домбровский донцов доронин дорофеев дорохов дроздов дубинин дубов дубровин дубровский дудин дьяков дьяконов дьячков
евдокимов евсеев егоров елизаров елисеев емельянов еремеев еремин ермаков ермолаев ерофеев ершов есин ефимов ефимцев
ефремов жаров жданов живов жилин жуков жуковский журавлев заболоцкий забродин завадский завьялов зайцев зарецкий
захаров зверев зимин зиновьев злобин золотов зорин зотов зубков зубов зуев зыков зырянов иванов игнатов игнатьев
измайлов ильин исаев исаков казаков казанцев калашников калинин калмыков калугин каминский капустин карасев карпов
карташов качинский каштанов кириллов кирсанов киселев клименко клюев князев ковалев ковалевский коваленко ковальский
ковальчук кожевников козлов козловский козырев кокорин колесников колобов колосов колпаков комаров комиссаров комлев
кондратьев коновалов кононов константинов копылов корнеев корнилов королев корольков коротков корсунский корчагин
косарев костин костров котов кочетков кошелев кошкин кравченко кравчук крамской краснов красовский круглов крутов
крылов крыловский крюков крючков кубышкин кудрявцев кудряшов кузнецов кузнецова кузьмин кукушкин кулаков куликов
куприянов курочкин кучинский лаврентьев лавров лазарев лапин лаптев ларионов латышев лебедев левин левицкий левченко
леонов леонтьев липский лисин лисовский литвинов лихачев лобанов лобов логвиненко логвинов логинов лозинский лопатин
лосев лукин лукьянов лунин лыков лысенко лыткин львов любимов лялин мажуга майоров макаров маковский максимов маликов
малинин малиновский малышев мальков мальцев мамонтов маркелов маркин марков мартынов мартынюк марченко масленников
маслов матвеев матросов маяковский медведев мельников мельничук мещеряков минаев минин миронов михайлов михайловский
михеев мицкевич мишин мищенко моисеев молчанов моргунов морозов москвин муравьев муромцев мухин мышкин мясников назаров
наумкин наумов некрасов нестеров нефедов никитин никифоров николаев никонов новиков новицкий носков носов овсянников
овчинников одинцов озерский ольховский орехов орлов орловский осипов островский ощепков павленко павлов павловский
панин панкратов панкратьев панов панфилов парамонов парфенов пастухов пахомов песоцкий пестов петренко петров
петровский петухов пименов пирогов платонов плетнев плотников подгорный подольский поздняков покровский полищук
полонский поляков пономарев поплавский попов постников потапов поташов привалов прокопьев прокофьев пронин прохоров
прошин пугачев пузанов пухов пушкарев раевский разин рассказов резников ржевский рогов рогозин родин родионов рожков
розанов романов романюк рубцов руденко руднев рудницкий румянцев русаков рыбаков рыбин рыжов рыков рябинин рябов
рязанов савельев савин савицкий савченко савчук садовников садовский сазонов сальников самойлов самсонов сапожников
сафонов сахаров свиридов седов селезнев селиванов семенов семин сергеев сердюк серебряков серов сидоров сизов силин
симонов синицын синявский ситников скворцов скворцовский скороходов слуцкий смирнов смоленский снегирев соболев
соболевский соколов соколовский соловьев соломин сорокин спиридонов стариков старицкий старков степанов степанова
столяров стрелков стрельцов субботин суворов суханов сухарев сухов сушков сысоев сычев тарановский тарасенко тарасов
терентьев терехов терлецкий тетерин тимофеев тимошенко титов тихомиров тихонов ткаченко ткачук токарев толкачев
третьяков троицкий тропинин трофимов трошин туманов туров тюрин уваров ульянов усов успенский устинов уткин ушинский
фадеев федоров федотов фетисов филатов филиппов фирсов фокин фомин фомичев фролов харитонов харченко хомяков хохлов
худяков царев цветков цыганков чайковский чеботарев черепанов черкасов чернов черных чернышев чернышов чернявский чижов
чистяков чудинов шаповалов шапошников шарапов шаров шаталов шаховской шашков швецов шевелев шевченко шевчук шелков
шестаков шибаев шилов шиманский ширинов ширяев шишкин шмелев шубин шумский щеглов щеголев щедрин щепкин щербаков щукин
юдин юрьев яворский ягодин языков яковлев якушев ясинский яшин
";

/// Frequent surnames of the world in Latin letters that no suffix gives away; words in Cyrillic letters are never read
/// as these.
pub(super) const LATIN: &str = "
abad abadi abbott abdallah abdelaziz abdullah abdulrahman aboud abraham abubakar achebe achterberg acosta adebayo
adeleke ademola adeniyi adeyemi adeyinka adichie adkins afolabi agarwal aggarwal aguilar aguilera aguirre ahmadi ahuja
ainsworth ajayi akande akinola akinwale aksoy aktas alami alawi albrecht aldridge alghamdi alharbi alhashimi
ali aliyu allison almasri alotaibi alqahtani alshehri alvarado alvarez alzahrani amadi amaral amin amiri andrade
andrews anthony anyanwu araujo archer arias armstrong arnaud arora arroyo arslan arvidsson asadi asante ashcroft ashley
ashton aslam aslan atherton atkins aubert austin avci avila awad awolowo ayala ayers ayodele azikiwe azizi babangida
bachmann badawi bae baek bai baines bajaj bakr balakrishnan ballard balogun banerjee bankole banks bannister bao
barakat barbier barclay barker barnett barr barrera barron barros bartlett bashir bassey bastos basu bateman bates
batista battersby baumann baxter bean beard beasley beckett beckmann behrens bellamy bello beltran benavides bengtsson
benitez benjamin bentley benton berglund bergstrom bernal bernardi bertrand bhagat bhalla bharadwaj bhardwaj bhargava
bhatia bhatnagar bhatt bhattacharya bianco birch bird biswas bjork black blackburn blackmore blackwell blackwood blair
blake blanchard blankenship blevins blom blyth boateng bonilla bonnet booker boone booth boothroyd bose boucher
boulanger bourgeois boutros bowers bowman boyer boyle bozkurt bradford bradley bradshaw brady bramley bravo brennan
brewer bridges briggs bright brinkmann brookes broughton browning bruce brunet bryan buchanan buck buckley bulmer bulut
burch burgess burke burnett burns burrows burton byrne byun caballero cabrera cain cakir calderon caldwell calhoun
callahan camacho cameron cannon cantrell cantu caputo cardenas cardoso carey carney carpentier carrillo carroll
cartwright caruso carvalho casas casey castaneda castillo cattaneo cervantes cetin chadha chadwick chakrabarti
chakraborty chamberlain chao charles chatterjee chaturvedi chaudhry chaudhuri chauhan chavez chawla cheung chevalier
chiang ching chiu choe chong chopra choudhary christensen chua chukwu cisneros clarke clay clayton clegg clement
clements clifton cline coates cobb cochran cockburn coelho cohen cole colin collet collier colombo combs compton conley
conner connor conte conti contreras conway cooke copeland coppola cordero cordova correa cortez coskun costantini
cowell craig crawford crossley cuevas cummings cunha cunningham curry curtis daher dahl dalal dalton damico
daniels danjuma darwish dasgupta datta daugherty davenport dawes dawood dawson dean deangelis decker delacruz delarosa
deleon deluca demirci dennis denton desantis deschamps deshmukh deshpande dewhurst dhawan dhillon diallo dickerson
dietrich dillon dinh diop dlamini doan dobson dogan dominguez donaldson dorsey dougherty douglas doyle drake duan
duarte dubey duckworth dudley duffy dufour dumas dumont dunlap duong dupont dupuis dupuy duran dutt dutta duval
eastwood eaton ebrahimi ecclestone edmonds egwu eklund ekwueme ellison ellwood elsayed emery endo engelhardt engstrom
eom erdem erdogan eriksen erol escobar espinoza esteban estes etienne eubanks ewing eze ezeh fabre fadel fairbairn
farah farhat faria farley farnham farrell faruq fashola faulkner faure fawzi feng fenton ferguson ferrara ferraro
ferreira ferrell ferri fiedler fielding figueiredo figueroa finch fiore firth fitzgerald fitzpatrick fitzroy fleury
flynn foley fontaine fontana forsberg fournier fowler francis franklin fraser frazier frederick freeman freitas
friedman friedrich fry fuentes fujii fujita fujiwara gaillard gaines galbraith gallagher gallego gallegos galli
galloway galvan gao gardner garg garner garnier garrett garza gates gatti gautier geiger geng gentile gentry george
gerard gerlach ghani giles gillespie gilmore giordano girard giraud glenn glover goddard goel gokhale gonthier gonzaga
goodall goodman goodwin goswami goto gough gould gowon goyal grasso graves greco greene greenwood greer grewal grimes
grover guerin guerrero guha guillaume guillot gulati guler gunes gunther guo gustafsson gustavsson gutierrez guzman
gwak haaland habibi haddad hale haley halvorsen hamad hamalainen hamdan hamidi hammad hammond hampton hancock hanna hao
harada hardin harding hargreaves hariri harmon harrell harrington hartwig harvey hasegawa hashemi hashimoto hatfield
haugen hawkins haworth hayashi haynes hayward heaton hebert hedlund heikkinen heinrich heinz hempel henriksson
henriques henry hensel hensley heo herrero herring herzog hess hesse hester hewitt hickman hidalgo hindley hines
hinrichs hobbs hodge hodges hohmann holden holloway holm holmberg holmes holroyd hood hoover hopkins horne horrocks
horton hosseini howe howell hsieh hsu hu hubbard hubert hudson huff huffman hull humphrey huo huq hurley hurst
hutchinson huynh hwangbo ibarra ibrahim igwe ikeda ikpeazu imai ingram inoue iqbal irwin isaksson ishida ishii ishikawa
ismail iyengar iyer jabbar jaber jacobs jacobsen jacobson jacquet jadhav jafari jahn jain jamal james jansen jansson
jarvinen jarvis javed jefferson jensen jeon jeong jessop jha ji jia jiang jiao jimenez johannessen johansen johansson
johns johnston jonathan joo jorgensen joseph joshi joyce juarez junge kadam kakkar kamara kaneko kapadia kapoor kapur
karaca karimi kariuki kassem kato kaur kawasaki kazemi kellermann kelley kemp kent kenyatta kershaw khatib khoury
khumalo kidd kilic kimani kimura kipchoge kirby kirchner kirk kirkham kluge knapp knight knoll knox kobayashi kocak
kohli kohn konate korhonen korkmaz kose koskinen kowalski kreuzer krishnamurthy krishnan kristiansen kubo kuhn kulkarni
kunz kunze kwok lacroix laine lal lamb landry langley lara laroche latif lawal lawrence lawson leach leblanc
leclerc leclercq lecomte legrand lehtonen leigh lemaire lemaitre lemoine lemos lenz leone leroux leroy lester leung
levine liang liao lien lima lin lindemann lindholm lindqvist lindsay livingston lobo lockhart lockwood lomax lombardi
lombardo longo lorenzo lowe lowery lozano lu lucero ludwig lugo lui luna lundberg lundgren lundqvist luo lutz lv lynch
macfarlane macgregor macias mackay mackenzie macleod madan madden maddox madsen maeda magnusson mahajan mahdi mahmood
mahmoud mahoney maina majumdar makela makinen malhotra malone mancini mani mansour marchand marchetti marechal
mariani marie marin marini marino marks marlowe marquez marsden marsh martinelli martini maruyama masood massey masuda
mathews mathieu matos matsuda matsui matsumoto matthews mattsson maxwell maynard mays mazza mcbride mccall mccann
mccarthy mcclain mcclure mcconnell mccormick mccoy mccullough mcdaniel mcdowell mcfarland mcgee mcgrath mcguire
mcintosh mcintyre mckay mckee mckinney mcknight mclaughlin mclean mcmahon mcmillan mcneil mcpherson meadows medeiros
medina mehta mejia melendez mellor melton menard mendez mendonca mendoza menon mensah menzel mercado mercier merritt
mertens mesa messina metzger meunier meyers meza miao michael michaud michel middleton miles millard milner
mishra misra mistry mittal miura miyazaki mkhize moberg moghaddam mohammad mohammadi mohan mohr mokoena monroe monteiro
montes monti moody moon moradi moran morelli moretti morrow morse morton moses mosley moss mota moulin moura mousavi
moyer mubarak mueller mugabe mughal mukherjee mullen mullins munoz munro murakami murata murillo murthy mutua
mwangi nadar nagpal naidu nair nakagawa nakajima nakano nambiar namgung naqvi narang narayanan nascimento nasr
nasser natarajan navarro nawaz nayak nayar naylor nazari ncube ndiaye ndlovu neal negri neves newman newton ng ngo
nichols nicholson nicolas nie nielsen nieminen nieto ning nishimura niu nixon njoroge nkosi nkrumah nnamdi noack noble
noel noguchi nogueira noh nomura noor nordin nordstrom norgaard nowak nunez nuttall nwachukwu nwankwo nwosu nygaard
nystrom oakley obasanjo oberoi obi obiora obrien ochoa oconnor odhiambo odinga odom odonnell ogawa ogden ogunbanjo
ogunleye ojo okada okafor okamoto okeke okeowo okonkwo okoro okoye oladipo olawale oliver olivier olofsson olowo olson
omar oneal oneill onishi ono onwudiwe onyango opara openshaw opitz orlando orozco orr osborne osei oshodi osman
ostergaard ota otieno ouyang owusu oyelaran ozdemir ozer pacheco padilla padmanabhan pae paik palacios palmer palmieri
palumbo pandey pandit pandya parekh parikh parisi parkin parrish parsons partridge pascual pastrana patil patnaik
patrick patton payne pearson pedersen pellegrini pellegrino pelletier pena peng perret perrin perrot petty pfeiffer
phelps philippe picard pichon pierce pilkington pillai pimentel pineda pinheiro pinto pires pittman pitts pohl poirier
polat pollard pollock ponce poole portillo postlethwaite potts poulain poulsen powers pradhan prakash prasad preuss
prevost priestley prieto pritchard probst proctor pruitt pugh qiao qiu quinn quintana quintero qureshi raab radcliffe
rafferty raghavan rahimi rahmani raja rajagopalan rajan ramachandran ramakrishnan ramalho ramsay randall randolph
ranganathan rangel rasheed rastogi rathore rawat rawlinson ray raymond redmond redondo reese reeves rego reich reichert
reid reilly reimann reinhardt ren renard renaud renshaw reuter rey rezaei rhodes rice richard richmond riedel rigby
riggs riley rinaldi rivas rivers riviere rizzi rizzo roach robbins robin robles rocha roche rodgers roger roldan
rolland romeo rong rosa rosales rosario rose rossetti rouxel rowe rowland rowley rubio ruggiero ruiz rutherford ryan
ryu sabbagh sachdev sadeghi saeed saez saha sahin sahni saini saito sakai sakamoto sakurai salazar saleem salgado
sami sampson sanderson sandhu sanford sanna santiago santoro sanusi sanz sarkar sarma sartori sasaki sastry
saunders savage sawyer saxena sayed schaefer schofield schreiber schroeder schulze schumann schwab schwartz schwarze
sehgal seidel seifert serra serrano sethi sexton shackleton shaffer shafiq shaikh shakespear shankar shannon sharp
shaw sheldon shelton sheng shenoy shepard sheth shetty shields shimada shimizu shrivastava shukla sibley siddiqui
sidhu siebert silvestri sims simsek sinclair singhal singleton sinha sithole situ sjoberg skinner slater smythe snow
snyder soares soderberg solberg solis somani sommer soni sonntag sood sorensen sorrentino sosa sousa southgate soyinka
spears spence spencer springer srinivasan srivastava stafford stahl stanley stanton steele stein steiner steinmetz
stephens stephenson stern stevenson stockton stokes stolz stone stout strand strauss strickland strom strong stubbs
suarez subramaniam subramanian sugiyama suh suleiman summers sundaram sundberg sutcliffe sutton swaminathan swamy
swanson sweeney swift syed sykes tahir takagi takahashi talbot talwar tandon taneja taniguchi tanner tariq
tattersall tavares teixeira tekin teo terrell testa thakur thapar thatcher thibault thiel thiele thielemann thorne
thornton thorpe thorsen tian tinubu tiwari tomlinson toprak toure townsend townshend tran traore trask trevino trinh
tripathi trivedi trujillo truong tsang tse tshabalala turnbull tyagi tyler tyrrell uba ucar uche udoh ueda ueno
ullrich umar unal underwood unwin upadhyay uysal vaidya valdez valencia valente valentine valentini valenzuela vance
varghese varma vasquez vasseur vasudevan vaughan vaughn vaz vazquez vega velasco velasquez velazquez velez venkataraman
venkatesh vicente vickers vieira villanueva villarreal villegas vincent virtanen vitale vitali vogt vohra voigt vollmer
vu vuong vyas wada wade wadhwa wagenknecht wainwright walia waller wallin walmsley walsh walters walton wanjiru
warburton ware warner warren watanabe waters watkins watts weaver wei weidner weigel weiland wen wendt wenzel wheeler
whitaker whitehead whitfield whitney whittaker whittle wiedemann wieland wiese wiggins wikstrom wilcock wilcox wiley
wilhelm wilke wilkerson winkler winstanley winter winters wise wolf wolfe wolff wong woo woodard woodhouse woodward
worthington wunderlich wyatt wyndham xiang xiao xie xin xing xiong xu xue yadav yakubu yamaguchi yamashita yamazaki yao
yap yasin yates yavuz yildirim yildiz yoder yokoyama yoshida youn yousef yuan yuksel zamani zamora
zavala zeng zheng zhuang zhuo ziegler zong zou zulu zuniga zuo
";
