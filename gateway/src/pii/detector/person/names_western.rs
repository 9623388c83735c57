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
";
