//! First names of the West, of the Caucasus and of the Middle East, as they are met in the region: in Cyrillic where
//! Russian writes them, in Latin where the spelling does not follow from the Cyrillic.

/// English and other European first names; words in Cyrillic letters are never read as these.
pub(super) const EUROPEAN_LATIN: &str = "
aaron abigail adam adrian agnes aidan alan albert alessandro alex alexander alexandra alexis alfred alice alicia
allison amanda amber amelia amy anders andrea andrew angela anita ann anna anne annette annie anthony antoine antonio
april arnold arthur ashley audrey austin barbara barry beatrice becky benjamin bernard bernice beth betty beverly bill
billy bjorn bob bobby bonnie brad bradley brandon brenda brian bridget bruce bryan caleb calvin cameron carl carla
carlos carmen carol caroline carolyn catherine cathy cecilia charles charlie charlotte chelsea cheryl chiara chris
christian christina christine christopher cindy claire clara clarence claude claudia clifford clyde colin connie connor
craig crystal curtis cynthia daisy dale daniel danielle danny darren dave david dawn dean deborah debra dennis derek
derrick diana diane dieter donald donna doris dorothy douglas duncan dustin dylan earl eberhard eddie edgar edith
edmund edward edwin eileen elaine eleanor eli elizabeth ella ellen elliott emily emma eric erica erin ernest ernst
ethan eugene eva evan evelyn federico felix fiona florence frances francesca francis francisco francois frank franklin
fred frederick friedrich fritz gabriel gareth gary gavin gene geoffrey george gerald geraldine gerhard gilbert gina
giovanni giulia giuseppe gladys glenn gloria gordon grace graham grant greg gregory guillaume gunter gunther guy gwen
hannah hans harold harriet harry harvey hazel heather hector heinrich heinz helen helga helmut henrik henry herbert
herman herta holger holly horst howard hugh hugo ian inge ingrid irene iris isaac isabel isabella ivan ivy jack jackie
jackson jacob jacqueline jacques jake james jamie jane janet janice jared jasmine jason jay jean jeff jeffrey jennifer
jenny jeremy jerome jerry jesse jessica jill jim jimmy joan joann joanna joanne joe joel johann johannes john johnny
jon jonathan jordan jorg jorge jose joseph josephine joshua joy joyce juan judith judy julia julian julie june jurgen
justin jutta karen karl karlheinz kate katherine kathleen kathryn katie katrin keith kelly ken kenneth kevin kim
kimberly kirk klaus kristen kurt kyle lance larry lars laura lauren laurence lawrence leah lee leo leon leonard leroy
leslie lewis liam lillian lily linda lisa liz lloyd logan lois lorenzo lorraine lothar louis louise lucas lucia lucy
ludwig luigi luis luke lydia lynn mabel madison malcolm manfred manuel marc marcel marcia marco marcus margaret maria
marian marie marilyn mario marion marjorie mark marlene marsha marshall martha martin marvin mary mason mathew matt
matteo matthew matthias maureen maurice max maxine megan melanie melissa melvin meredith mia michael michelle miguel
mike mildred miles milton minnie miranda miriam mitchell molly monica monika morgan muriel nancy naomi natalie nathan
nathaniel neil nelson nicholas nick nicolas nicole niels nigel noah noel nora norma norman olaf olga oliver olivia
olivier oscar otto owen pablo paige pamela paolo pat patricia patrick paul paula pauline pedro peggy penelope penny
perry pete peter petra phil philip philippe phillip phoebe phyllis pierre pietro priscilla rachel ralf ralph ramon
randall randy ray raymond rebecca reginald reinhard renate rene renee rhonda ricardo richard rick ricky riley rita rob
robert roberta roberto robin rodney roger roland rolf ron ronald ronnie rosa rosalind rose rosemary ross roy ruby
rudiger russell ruth ryan sabine sabrina sally sam samantha samuel sandra sandy sara sarah scott sean sebastian sergio
seth shane shannon sharon shaun shawn sheila shelley sherry shirley sidney siegfried sigrid simon sofia sophia sophie
spencer stacy stan stanley stefan stella stephanie stephen steve steven stewart stuart sue susan suzanne sven sylvia
tamara tammy tanya tara ted terence teresa terry thelma theodore theresa thierry thomas tiffany tim timothy tina todd
tom tommy toni tony tracy travis trevor troy tyler ulrich ulrike ursula uwe valerie vanessa vera vernon veronica victor
victoria vincent viola violet virginia vivian volker wade walter wanda warren wayne wendy werner wesley wilhelm will
willard william willie wilma winston wolf wolfgang yannick yolanda yvette yvonne zachary zoe
aiden alana alannah alastair alec alejandra alejandro alessandra alfie alfredo alison alistair allan allie alvaro
amalie andre andres andy angie anika anja anke annabel annabelle annelise annika antje antonella antonia antonin
archie ariana arianna ariel arjen armando arne arno arturo asher ashleigh ashlyn astrid aurelia avery barney bart
bastian beatrix beatriz belinda bente bernadette bernd bert bertrand bethany birgit birgitta bobbie brady branko
braxton brayden brendan brent brett brianna brigitte britta brittany bruna bryson byron cade caitlin camille candace
candice carey carlo carly carmela carmine carole carrie carsten casey cassandra cassidy catalina catarina catherina
cecile cedric celeste celia celine cesar chandler chantal charlene charley chelsey cheyenne chloe chrissy christa
christel christelle christoph christophe cillian clarissa claudine claudio clementine clint clive cody cole colette
colleen conor conrad constanza corey corinne cornelia cornelius courtney cristian cristobal cyril dagmar dalia damian
damien damon danica daniela daniele darcy dario darius darla darlene darrell darryl davide deanna debbie deirdre delia
della demi denise dermot desmond devin devon diederik dimitri dino dirk dominic dominique dora doreen dorian dorothea
doug duane dwayne dwight eamon easton ebba edouard eduardo edwina efrain eike einar elaina elias elijah elin elisa
elisabeth elise elke ellie elliot ellis elmer eloise elsa elsbeth elsie emanuel emerson emilie emilio emmanuel enrico
enrique enzo erich erwin esme espen esteban estelle ettore eugenia eugenie eunice evangeline everett ewa ewan ezekiel
ezra fabian fabienne fabio fabrice fabrizio faye felicia felicity felipe ferdinand fernanda filippo finley fletcher
florian franca francesco francine francoise frankie franz freddie freddy fredrik frida gabriela gabriele gabriella
gabrielle gaetan gail garrett gaston geert gemma genevieve georgina geraint gerard gerd gerrit gertrude gillian ginny
giorgio gisela giselle giulio glenda gonzalo gottfried graeme greta gretchen guadalupe gudrun guido guillermo gunnar
gustav gustavo guus hakon hamish hank hanna hannelore harald harley harrison hayden hayley hedwig heidi heike heiko
helene helge hendrik henriette henrike herve hilary hilda hilde hildegard holden hubert ignacio ilona ilse imogen ina
ines ingeborg ingmar inigo irmgard irving isabela isabelle isaiah iva jaap jaclyn jada jaime janelle janine jarrod
jasper javier jayden jeanette jeanne jeannine jedidiah jelena jenna jennie jens jeremiah jeroen jesper jessie jil
joachim joana joao joaquin jocelyn jochen jodie joelle johan johanna jolanda jonah jonas jonny jordi jorgen josefina
josiah josie joss jovan juana judd jules juliana juliane juliet juliette julio julius justine justus kaj karin
kasper katarzyna katelyn katja katrina kayla keira keisha kelsey kendall kendra kenny keri kerry kiara kieran kilian
kirsten kirsty knut krista kristin kristof krzysztof lasse laszlo latoya laureen laurie laurine lauritz leandro leanne
leif lena lene lennart lennox leona leonardo leonie leonor leopold leticia liesbeth lilian liliana lindsay lindsey
linnea lionel lisbeth liselotte lizzie loretta lori lorna louisa luciana luciano lucie lucien lucille ludovic luisa
lukasz lutz luuk lyle lyndon lynette lynne maarten macy madeleine madeline mads magda maggie magnus maisie malia
mallory malte mandy manuela marcela marcelo marek margot margret margrit mariane marianne mariano marijke marisa
marisol marius marlon marten martijn marty matej mateo mathieu mathilde mathis mauricio mauro maximilien melina melinda
merle mette micah michaela michal michel michele mick mieke mikael mikkel mikko milos mindy minna mireille mirjam moira
mollie monique montgomery morten mortimer myrtle nadine nanette natasha ned neele nell nellie nia nicholson nicola
nicoletta niklas nils noelle noemi nolan norbert noreen nuno octavia odette olav olof oona ophelia osvaldo otis ottavio
paddy paloma pascal pascale patrice patricio paulette paulina paulo peer perla pernille petter peyton philippa phineas
piers pieter pilar piotr pippa polly preston quentin quincy quinn rachael rachelle raimund rainer ramona raquel raul
reece reggie reid reinhild reinhold remi renato reuben rhett rhys ricarda richie rikke robbie rocco rochelle roderick
rodolfo rodrigo rogelio rolando romain romina ronan rory rosalia rosalie rosanna rosanne roseanne rosemarie rosetta
rosie roslyn rowena roxanne rudi rufus rupert sadie salvador salvatore sammy sander sandrine sanne santiago sascha
saskia scarlett sebastien selina selma serge shana shania sharlene sheena shelby sheldon sheryl sigmund sigurd silke
silvana silvio simeon simone siobhan sjoerd skylar solange soledad solveig sondra sonia sonja soren stacey stacie
stanislaw stefano steffen steffi stephane stian sunniva susana susanne susie suzanna suzette sybil sylvain sylvester
sylvie tabitha tamsin tanja tasha tatum teddy terrance terrence tessa theo theodora thibault thilo thorsten tiago tilda
tilly timo tino tobias toby tomasz tommaso tonia tonja torben toril torstein trent trina trine tristram trond trudy
tuomas tyrone ugo ulf ulla ulrika umberto uriah ute valentino vaughn verena veronique vicente vicki vickie vidar
vilhelm vilma vince vincenzo virgil virgilio vito vittorio viviana vivienne waldemar walt waltraud wendell whitney
wilbur wilfred wilfried wilhelmina willem winfried winifred winnie wojciech wouter wyatt xander xavier ximena yann yves
yvon zach zachariah zack zbigniew zelda zoey zoltan zuzana
";

/// European first names as Russian writes them.
pub(super) const EUROPEAN: &str = "
адам андреас анри антуан арвид артур бенджамин берта брайан бруно вальтер вернер виллем вилли вильгельм вильям
вольдемар вольфганг ганс гарри гельмут генри герхард гильда говард готлиб готфрид гюнтер дейвид джеймс джейн джек
дженнифер джессика джованни джозеф джон джордж джошуа джулия диего дитер долорес дональд дэвид дэниел жак жан зигфрид
ида изабель инга ингрид иоганн иоганнес ирма йенс йоган йозеф карл карлос кармен кевин кейт клаус клод крис кристофер
курт кэтрин ларс лидия лиза линда лора лоренцо лотар луи лукас льюис людвиг люсьен майк майкл мануэль манфред марио
марсель мартина матиас мигель мирьям мишель моника мэри мэтью натали николас нэнси оливер оливия отто пабло паоло
патрик патриция педро петер питер пол пьер райан райнгольд ральф ребекка рейнгольд рейнхард ричард роджер роланд сабина
салли саманта сара свен софи стив стивен сьюзан теодор том томас уве уильям урсула фернандо франсуа франческо фридрих
фрэнк хайнрих хайнц хелен хельга хельмут хенрик хосе хуан чарльз шарлотта штефан элизабет эльза эмили эмма эндрю энтони
эрвин эрик эрнст
ааре абигейл авива авигдор агнес агнешка агустин адальберт адан адела аделаид адельберт адолфо адриана адриен адриенна
айварс айгарс айзек айно аксель алвару александер александрия алексис ален алессандра алессандро алесь алехандра
алехандро аликс алисия алистер алиция аллан алоис алонсо альбер альберто альбрехт альваро альвин альгирдас альдо
альжбета альфонс альфонсо альфредо аляксандр аляксей амадей амадо амайя амедео ампаро анабель анаис анат анатоль
ангелика андерс анджей анджело андраш андре андрес андрис андрусь анетта анжелик анке аннабель аннели аннелиза аннет
анник анника ансельм антонелла антоний антонио антониус антония антось анхела анхель аполония арасели арво ариан ариэль
арлетт армандо армин арнис арно арнольд арпад артуро артюр арчибальд ассунта астрид аугуст аурелио афонсу ашер ашли
бажена базиль балаж балтазар бальдур барак барбаро барри бартломей бартоломео бартош бастиан бастьен беата беатрис
беатриса беатриче беверли бекки белинда бенгт бенедетта бенедетто бенедикт бенигна бениньо бенита бенито бенни бенно
бенуа бернадетт бернар бернард бернардо бернгард бернд берни берт бертольд бертрам бертран бетани биргит биргитта бланш
бласко блейк боаз богумил богуслав богуслава божена божидар болеслава бонни боян брайс бранимир бранислав бранислава
бранко брендан брет бржетислав бригитта бриджет бриджит бриджитт бритни бриттани бруну брэдли брэндон брюс бурхард
бьяджо бьянка бьёрн вавжинец вайолет валдис валентий валентино валерио вальбурга вальдемар вальтрауд вальфрид ванда
вацлава велислава велько вендель венсан верена вернон вероник веслав веслава вивьен вигберт викки виктуар виланд
вилибальд вильгельмина вильма вильфрид винсент винфрид винцентий винценц винченцо вирджиния виржини висенте витас
витаутас витольд витторио виттория властимил властислава влодзимеж воислав войцех вратислав вук вукашин габи габор
габриэла габриэле габриэль ганна гапка гаррет гастон гаэль гаэтан гаэтано гвадалупе гвен гвендолин гвидо гебхард
гедиминас гейл георг геральд геральдина герберт гервальд герда герлинда герта гжегож гидеон гидон гизела гийом гилад
гильберт гильерме гильермо гинтарас гинтс гислен глен гленда гленн гойко голда гонсало горан гордон горица горпина
готтфрид готхард гражина грасиела грегори грегуар грейс грета гретель гретхен грэм губерт гуго гудмунд гудрун гунда
гуннар гуннел гуннхильд гунта гунтис густав густаво гэвин гэри гэррет гюстав даворин дагмар дагни далибор даля дамиан
даница даниэла даниэле даниэль данута даринко дарио даррен дастин дебби дебора демко дениз деннис десислава
детлеф джакомо джанкарло джанлуиджи джанлука джанни джанпаоло джаред джаспер джастин джастина джей джейк джейкоб джейми
джейсон джеки джемма джеральд джеронимо джерри джефф джеффри джилл джиллиан джимми джиованни джироламо джоан джоанна
джованна джоди джойс джокелин джонас джонатан джонни джордан джордана джорджина джорджия джорджо джудит джузеппе
джузеппина джулиан джулиана джулиано джулиет джулио джулиус джустина дзинтарс дзинтра дидье дилан димитр димитрина
доброслав доменика доменико доминго доминик донателла донателло дорис дорит дорон дорота доротея дороти драган драгана
драгомир драгослав драгутин дуарте дуглас дункан душан душанка дьердь дьюла дэйв дэйзи дэмиен дэнни дэрил евгенио
ейно еладио ехезкель жаклин жанетт жерар жереми жером живко жоаким жоана жоау жозе жозефин жоржетт жослен жослин жоэль
жуана жулиу жюльен жюльетт жюстин збышек звездан звонимир зденек зденка зденко здзислав здислав зельда зеник зигмунд
зигмунт златан златко золтан зоран зорица зоряна зофия зузана ивайло ивана иванка иванко иванчо ивар ивась ивета иветт
ивица игнасий игнасио игнацио идан иланит илзе илмар илмарс ильдико имантс инбал ингвар ингеборг ингемар ингуна инес
инмакулада иоахим иоланка иоланта ирвин иренеуш иржина ирмгард ирмина ирмтрауд исабель исидро итамар ицик ицхак йаэль
йенни йеспер йехуда йоав йован йованка йожеф йозефа йонас йонатан йорам йоран йорг йорген йордан йорданка йорма йорн
йосеф йосип йоханна йоханнес йохен казимеж казимерас кайл калеб калоян кальман камий карло карлота карлотта карлуш
кармела каролайн каролин карпо каспар кассандра кастусь катажина каталин каталина катерина катица катрин катря квета
кейси кейтлин кеннет кенни кимберли кирстен клайв клайд клаудио клеман клеманс клеменс клер клинтон клиффорд клодетт
клотильд кнуд кнут козимо колетт коннор конрад консепсьон консуэло кончита коринн корнелиус корнелия коррадо костянтин
коулман красимир красимира крейг криста кристель кристен кристи кристиан кристиана кристиано кристобаль кристоф
кришьянис ксавье кунигунда кшиштоф кэйли кэндис кэрол кэролайн кэтлин кюлли кястутис ладислав лайма лаймонис лайош
ларри ласло лаури леберехт лейф лембит ленхен леонард леонардо леопольд лесли летисия летиция лех лехослав лешек лиам
лизбет лизелотта лиззи лиланд лилиан линдси линн лиор логан лодовико лоис лоран лоранс лорен лоренс лоренсо лоренц
лоренца лоррейн лоурдес лоуренс лудольф луиджа луиджи луис луиш лукаш лукреция лусия лучано любен любица любко любош
любуше людгер людмил люк люси люсиль люсинда люциан люцина маарика магда магдолна магнус маделин мадисон мадлен мадс
майнхард маккензи максанс малгожата малкольм маноло мануэла марвин маргарет маргарете маргит маргрет марджори мареике
марек мариаэлена маривон мариз марийка маринетта маринко мариола марис марисоль мариуш маричка маркку маркос маркус
марлис марсело мартен мартиньш мартти марцин марчелло маршалл матеуш матея матильд матильде матис матти маурисио мауро
меган мегги мейбл мейнхард мейсон мелисса менахем менаше мендель мередит мечислава меэлис микела микеле микки микко
миклош милан миланка милдред милко милли милорад милослава милош милтон милутин миндаугас минди миранда мирей мирек
мирела мирко митчелл михал михась михаэла младен мойра молли момир момчил морган мориц мортен мыкыта мэделин мэдисон
мэрилин мэтт мюриэл надин назарий найджел настуся наталио наталка натчо нахман нахум небойша невио неделчо нейл нейтан
нелл неманья ненад нетанель нехама нечипор нийоле нильс нисим ноам нолан номи норберт норман ноэль овсий огнян одарка
оддвар одетт одри ойген октавио олаф олекса олександра олександрина олелько оливье олоф омелько омелян ондржей онуфрий
орина орнелла освальд остапко отмар оттавио оттилия отфрид офер офира оярс паиви пако палома памела панько паола
параска паскаль паскуале патрис патрисио патти паулу пегги педру пейдж пейтон пекка пенелопа пепе петар петко петра
петтер петтери пиеро пилар пинхас предраг прешес присцилла пріська пшемыслав пьеретт пяйви пятрас рагнар рагнхильд
радек радка радко радойка радомила радослава райли раймон раймонд раймондс раймунд райнер райнхард рамиро рамон рамона
рассел ратко рауль рафаэла рафи раффаэла раффаэле рахель рашель реджинальд режи режин рейн рейнгард рейчел ремон ренато
реувен рикардо рикарду риккардо римантас рино ристо робби робер роберто родольфо родриго родригу рожериу розалинда
розарио розвита рокко роксолана рольф ромуальд рональд ронен ронит росалия росарио росио россана росселла рохелио руди
руженка румен руперт рупрехт рут рутгер рышард рэндалл саймон сальвадор сальваторе самийло самуэль сандра сантьяго
саулюс свейн сверре светлин светозара светослава себастьен себастьян селин сеппо серафин серджио сержиу серхио сесар
сесилия сесиль сибил сибилла сигалит сигне сигрид сигурд сидорко сильвана сильвен сильвестр сильви сильвио сильвия
симеон симоне симонетта симха синди синнёве синтия скарлетт славко славомир славомира слободан снежанка соланж соледад
соломия сольвейг соня спенсер срджан станда станимир стейси стефанида стефанка стефано стефко стине стоимир стэнли
стюарт сусана сэмми сэмюэл сэнди сюзанн сюзетт сяргей табита тадас тадей тайлер тамир тамми тассило тео теобальд
теодора теодоро теренс тереня тересса тибо тибор тило тильман тимиш тимко тимоти тиффани тихана тициана тобиас тодар
тодор тодорка тодось тойво томаш томислав томмазо томми тончо тоомас торбен торбьорн торбьёрн торвальд торгейр торлейф
тормод торстен траугот траудель тревор трейси трент трини тронд трудель трэвис тувья туула тьерри тэмми уайатт убальдо
удо уилбур уинифред уинстон уитни уладзимир ульрика ульрих ульф умберто уоллес уолтер уоррен уриэль урмас урмо устим
утта уэйн уэнди уэсли фабиан фабио фабрис фабрицио фабьен федерика федерико федир федько фейга фелипе фелиция ференц
фермин фернанду филибер филиппо филлис фиона фиоренца флавио флавия флетчер флоран флоранс флориан фолькер франсин
франсис франсиско франсуаза франтишек франциска францишек франческа франчески франьо фрауке фред фредди фредерик
фредерика фредрик фрида фриделинда фридрихина фритьоф фрума фрэнки фрэнсис фульвио хавьер хаимке хайди хайке хайко
хайме хайнер хакон халина ханна ханнелоре ханс харальд харви харриет хартмут хасинто хведир хедвиг хедда хейки хейкки
хейко хейнрих хельге хеннинг хенрика херардо херман хизер хилари хильда хильде хильдегард химка хлоя хоакин холли
хольгер хорст хорхе хосефа християн хуана хуанита хуанхо хуберт хулиан хулио хью хьюго хэзел хэйли хэнк хэрри цанко
цветелина цветомир циля ципора чезаре чечилия шандор шанна шаннон шанталь шарлин шарон шейла шелби шелдон шелли шерил
шимшон ширли шлома шломит шмуэль штепан штепанка шэннон эбби эберхард эбигейл эвальд эваристо эвелин эверетт эгле эгон
эдвин эдди эдельтрауд эдит эдмунд эдна эдуар эдуардо эдуарду эжени эзра эйвинд эйнар эйрик эйтан эйтель эккехард элад
элазар элайджа элайза элеанор элейн элиан элиас элизабета элис элисео элисон элиша элиэзер эллен элли эллиот эллисон
элоди элоиза эльжбета эльмер эльфрида эмануил эмануэла эмануэле эмануэль эмерик эми эмилиан эмилио эммануил эммануэль
эннис энрике энрико энцо эрве эрвина эржебет эрих эрланд эрленд эрлинг эрманно эрнандо эрнесто эрни эспен
эсперанса эстебан эстебания эстель этан эторе этторе эугениуш эухенио эфраим эшли юбер югетт юзеф юзефа юлиане юлиуш
юнис юозас юрась юрбен юрген юргис юсси юстинас ютта юхан юхани яак яанус явдоха ягор ядира яир яким ялисей янка янн
янник януш ярема яремия ярмил ярмила ярон яцек ілля
";

/// Armenian, Georgian, Azeri and other names of the Caucasus; Korean and Jewish ones that Russian writes.
pub(super) const CAUCASIAN: &str = "
аарон аббас абдурахман абрам абульфаз авраам автандил агиль адам айдын айтен акакий акиф акоп акопа алескер алибек
алихан алмаз амаяк анаит анар анзор ани анушаван араик арам арарат аревик арег армен арменуи армине арсен артак арташес
артуш арутюн арчил асиф аслан асланбек асмик астхик афаг афет ахмад ахмед ахундали ашот бабек баграт бадри барух
бахтияр бачана бежан бесик беслан билал борух ваагн ваган ваге вагиф важа вазген вано вардан вардуи варужан васиф
вахтанг вачаган вачик вепхия вугар вусал вюсал гагик галуст гамлет гасан гаяне геворг гегам гейдар гела георги георгий
гершон гиви гига гиорги гия гоар годердзи гоча грайр грант гурген гусейн гюлай гюльнара гюльшан гюнай давид давит дали
дареджан датун двора джавид джамал джамиля джейхун джемал джохар джумбер дилара егише ерванд ервант жирайр жорж заал
завен заза заира залина зара заруи заур заурбек захид звиад зелим зелимхан земфира зиновий зия зураб зухра иа ибрагим
иегуда изабелла илана илико ильгар ильхам интигам иосеб иракли ираклий иса исаак ислам исмаил исраэль йусиф казбек
камал камо камран карапет карен карине каринэ каха кахабер кенан кетеван кетино кобa коба корюн кямал кямран лазарь
лала лали лариса лаша лев леван левон леила лейба лейла лиана лилит лия лом лука лусине лятифа магомед магомедрасул
мадина малхаз мамед мамука манана манвел манук маргарита мариам марине маринэ мартирос марьям махмуд мгер медина мелик
мераб мераби мехди мехрибан мзия микаил мирза мириам мисак михеил мкртич мовсар моисей мойше мордехай мубариз мурад
муса муслим мухаммад мухтар мушег мушфиг назим намик нана нани нарек нарине наринэ натаван нателла натик нато наум
нигяр низами ника нинель нино новруз нодар норайр нугзар нуне нурана нуца нушик оваким ованес ованнес овик октай орхан
отар отари паата парвана парвиз патимат первиз петрос погос рагим размик рамзан рамиз рамиль расим расул рафиг рафик
рахиль рашад реваз резо рена рива ривка рипсиме ровшан рубен рузан руслан рустам русудан руфат саади саак сабина сабир
садыг саид сайд сакит салман саломе самвел самед самир самира самуил сандро сара саркис сатеник севда севиль севиндж
седа сеймур сейран сержик сероб сирануш соломон сона сосо софико степан сулейман султан сулхан сурен сусанна таир тамаз
тамар тамрико тарана тариел татевик тато теа теймур темур тенгиз тигран тимур тинатин торнике тофик тристан турал туран
ульви улькер умалат умар фаик фарид фариз фарман фархад фатима фахраддин физули фикрет фирангиз фуад хава хадижат хазар
хаим халид халил хамзат хана ханлар хасан хасбулат хатия хатуна хачатур хачик хая хусейн цви циcана циала циури чингиз
шаварш шаген шаиг шалва шамиль шахин шахла шимон шломо шота шушан шушаник эдвард эка экатерине элдар эльбрус эльвин
эльдар эльмар эльмира эльнара эльнур эльчин эльшад эльшан эмзар эмин эрнест эстер эсфирь этери этибар юсиф яаков ягуб
яшар
абас абдулвагаб абдулгамид абдулжалил абдулкерим абдулмажид абдулмуслим абдулхаким абубакар абубакр абуязид агабек
агавни агарон адгур адиз адлан азнаур айгун айтадж алаверди алвард алиага алибала алигейдар алимурад алияр алхас
альви амалик аминат амираслан анаида андраник анзорик араксия ардашир арзуман армида арпине арсамак артавазд арташ
арусяк архилос аршавир аршак асланхан асмар афак афган ахмат ахмедхан ашхен бабкен багауди багаутдин багдасар базарган
байсангур балакиши башир башхан бислан вагаршак ваграм валех вараздат вардитер варсеник варсик васпур ваха виген висхан
вовагиф врам врежик вюсаля гаджи гаджимагомед гаджимурад гаджирамазан газанфар газимагомед гайкануш гамзат гамид
гарегин гарник гасангусейн геворк гегецик гендрик генрик гермина гоарик гоги гогита гуланда гулиса гурам гуранда гюли
гюльназ гюльтен гюльхар гюляра давуд дадаш дадо далгат денисолтан джабраил джават джавахир джалал джалил джанполад
джейран джулетта елгуджа ервандуи ехсапет загид загидат загир зайнап зайпулла залимхан залмо зарбика зарган заремка
заурбег зейнаб зейнал зелимха зелиха зияд зохра зулейхан зулумхан зульмира зульхижат ибрагимгаджи ибрагимхалил ивери
имамали имамгусейн имаммагомед имеда инал ингилаб ирада иразли исагаджи исамутдин исмиета исмихан казбич кантемир
кахабери кахи кероб кикнозашви кнарик койсо куйкули курбанали курбангаджи курбанмагомед кыстаман ламара лейли лианка
лианна ловса лусик мавсар магамед магамедали магомедали магомедамин магомедгаджи магомедзагид магомедзапир
магомедкамиль магомедмурад магомеднаби магомедсаид магомедсалам магомедхабиб мажид майрбек майсарат мамедага мамедали
мамедрза марет маретта мариета мариетта марха мацак мерзият месроп мехман мечик мзевинар миасат микаел минас миракбар
мирвари мирзабала мисост мовлади мовлид мовсес моца мукаддин мукаил мурадали мурадхан муслимат мухаррам мушвиг назани
назели наида наира насиб нахапет неймат нерсес нерсик ниджат новрузали норик нофель нурад нурадди нурият нурлана
нурпаша оганес огсен огтай омари оник онник османгаджи офелия пайлак папуна парандзем пейкар перчуи пирза пирмагомед
пируз полад рабият раздик рамида рамин рахиб рахман раят ризван роини рубик рузана рузгяр рукият рустамхан саадат сагид
саипат сайгид сайгидат салех салимат самвелик санубар сацита седрак селимхан сефер сико сулумбек сумая супьян сурхай
тагибек тажудин тазрет тамаша тамусь тарлан тарон татевосян таус тевос теймураз темо теона тимурлан тинико тофиг тугай
тумиша туралхан турпал тутли тэкле убайдула узеир узлипат улдуз умахан умукусум умхайр уружбек усейн усман фазила фаиг
фармаил фатимат фахранда физура фикрат фируддин фуада хаважи хавамагомед хадиджа хажбекар хажимурат хазрет хайбула
халед халис ханбаба хангиши хангусейн ханпаша ханум харон хасайн хасмагомед хачатрян хеда хежан хидир хизри хирачья
хорен хоснав хошкадам храч хумайд хумар хункар хурие цагеа царай цотне цуран чичико шагабутдин шамо шамсудин шамхал
шарапудин шафига шахбан шахлар шахмурат шахнабат шахно шейхали шейхмагомед шихали шихамир шорена шукран шукюр шушанна
эдишер эзам эйваз эйюб экрам элман эльтадж эльхан эмза эмирхан эрбиль эрекле эсет эсма эсмира ягут ялчин янал ярагимэ
яха яхита
";
